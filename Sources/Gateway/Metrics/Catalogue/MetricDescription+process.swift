// The process and its surroundings.
extension MetricDescription {
    static let process = [
        ready, paused, certificateExpiry, taskLag, buildInfo, processCPU, processMemory, processVirtualMemory,
        processOpenFiles, processMaximumFiles, processThreads, processStart,
    ]

    static let ready = MetricDescription(
        "e2b_gateway_ready", .gauge, "Whether calls can be served, and whether each part of it is as it should be.",
        labels: [.of("part", "all", "ledger", "upstream", "open")])
    static let paused = MetricDescription(
        "e2b_gateway_paused", .gauge, "Whether an administrator lets nothing new begin, on any gateway.")
    static let certificateExpiry = MetricDescription(
        "e2b_gateway_tls_certificate_expiry_timestamp_seconds", .gauge,
        "When the certificate ends that callers are shown, in seconds since 1970.")
    static let taskLag = MetricDescription(
        "e2b_gateway_task_lag_seconds",
        .histogram([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]),
        "How late a task was woken that sleeps for half a second at a time: how busy the threads are that calls run on."
    )
    static let buildInfo = MetricDescription(
        "e2b_gateway_build_info", .info, "Which version this is.", labels: [.open("version")])
    static let processCPU = MetricDescription(
        "process_cpu_seconds_total", .counter, "Processor time, of the process and of the system for it.")
    static let processMemory = MetricDescription(
        "process_resident_memory_bytes", .gauge, "Memory that is really there.")
    static let processVirtualMemory = MetricDescription(
        "process_virtual_memory_bytes", .gauge, "Memory that is set aside.")
    static let processOpenFiles = MetricDescription("process_open_fds", .gauge, "Open files and connections.")
    static let processMaximumFiles = MetricDescription(
        "process_max_fds", .gauge, "How many files and connections may be open.")
    static let processThreads = MetricDescription("process_threads", .gauge, "Threads.")
    static let processStart = MetricDescription(
        "process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")
}
