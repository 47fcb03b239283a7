extension Policy {
    enum CodingKeys: String, CodingKey {
        case rate, executions, sandboxes
        case guaranteedSandboxes = "guaranteed_sandboxes"
        case runtime = "runtime_ms"
        case timeoutMilliseconds = "timeout_ms"
        case bodyBytes = "body_bytes"
        case codeBytes = "code_bytes"
        case contextBytes = "context_bytes"
        case outputBytes = "output_bytes"
        case templates, egress
        case userPorts = "user_ports"
        case recordsCode = "records_code"
        case signedOnly = "signed_only"
        case shadow
    }

    /// Reads a policy; a field that is not there has its ``standard`` value, so that policies stored before a field was
    /// invented stay readable. Ranges are judged by ``validated()``.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys, or standard: Value) throws -> Value {
            try fields.decodeIfPresent(Value.self, forKey: key) ?? standard
        }
        let standard = Policy.standard
        self.init(
            rate: try value(.rate, or: standard.rate),
            executions: try value(.executions, or: standard.executions),
            sandboxes: try value(.sandboxes, or: standard.sandboxes),
            guaranteedSandboxes: try value(.guaranteedSandboxes, or: standard.guaranteedSandboxes),
            runtime: try value(.runtime, or: standard.runtime),
            timeoutMilliseconds: try value(.timeoutMilliseconds, or: standard.timeoutMilliseconds),
            bodyBytes: try value(.bodyBytes, or: standard.bodyBytes),
            codeBytes: try value(.codeBytes, or: standard.codeBytes),
            contextBytes: try value(.contextBytes, or: standard.contextBytes),
            outputBytes: try value(.outputBytes, or: standard.outputBytes),
            templates: try value(.templates, or: standard.templates),
            egress: try value(.egress, or: standard.egress),
            userPorts: try value(.userPorts, or: standard.userPorts),
            recordsCode: try value(.recordsCode, or: standard.recordsCode),
            signedOnly: try value(.signedOnly, or: standard.signedOnly),
            shadow: try value(.shadow, or: standard.shadow)
        )
    }
}
