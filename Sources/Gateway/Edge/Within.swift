/// Time is over for what was to be done in it.
struct Overdue: Error {}

/// Does the work, or cancels it and throws ``Overdue`` once its time is over.
func within<Value: Sendable>(
    _ patience: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { tasks in
        tasks.addTask { try await work() }
        tasks.addTask {
            try await Task.sleep(for: patience)
            return nil
        }
        defer { tasks.cancelAll() }
        guard let value = try await tasks.next() ?? nil else { throw Overdue() }
        return value
    }
}
