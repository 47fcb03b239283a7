import Quota

extension PolicyChange {
    /// Reads a change; `null` for a limit that cannot be lifted is refused, never passed over.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.refuseNull(in: CodingKeys.allCases.filter { $0 != .subject })
        rate = try fields.decodeIfPresent(String.self, forKey: .rate)
        burst = try fields.decodeIfPresent(Int.self, forKey: .burst)
        executions = try fields.decodeIfPresent(Int.self, forKey: .executions)
        sandboxes = try fields.decodeIfPresent(Int.self, forKey: .sandboxes)
        guaranteedSandboxes = try fields.decodeIfPresent(Int.self, forKey: .guaranteedSandboxes)
        runtimeSeconds = try fields.decodeIfPresent([String: Double?].self, forKey: .runtimeSeconds)
        timeoutSeconds = try fields.decodeIfPresent(Double.self, forKey: .timeoutSeconds)
        bodyBytes = try fields.decodeIfPresent(Int.self, forKey: .bodyBytes)
        codeBytes = try fields.decodeIfPresent(Int.self, forKey: .codeBytes)
        contextBytes = try fields.decodeIfPresent(Int.self, forKey: .contextBytes)
        outputBytes = try fields.decodeIfPresent(Int.self, forKey: .outputBytes)
        templates = try fields.decodeIfPresent([String].self, forKey: .templates)
        egress = try fields.decodeIfPresent(Bool.self, forKey: .egress)
        userPorts = try fields.decodeIfPresent([Int].self, forKey: .userPorts)
        signedOnly = try fields.decodeIfPresent(Bool.self, forKey: .signedOnly)
        recordsCode = try fields.decodeIfPresent(Bool.self, forKey: .recordsCode)
        shadow = try fields.decodeIfPresent(Bool.self, forKey: .shadow)
        subject = try fields.decodeIfPresent(LimitChange<SubjectLimitsChange>.self, forKey: .subject)
    }
}

extension KeyedDecodingContainer {
    /// Names the first of these members that is `null`, which would otherwise be taken for absent.
    ///
    /// - Parameter outer: what the members are within, for the message.
    func refuseNull(in members: [Key], of outer: String? = nil) throws {
        for member in members where contains(member) {
            guard try decodeNil(forKey: member) else { continue }
            throw PolicyFailure(
                field: [outer, member.stringValue].compactMap(\.self).joined(separator: "."),
                reason: "cannot be null: it cannot be lifted, only left out")
        }
    }
}
