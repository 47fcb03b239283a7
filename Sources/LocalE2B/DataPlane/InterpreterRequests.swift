import Foundation

/// The body of `/execute`. The kernel gets it as it came; what is decoded here is what the server has to know.
struct ExecuteRequest: Decodable {
    let contextID: String?
    let language: String?

    private enum Key: String, CodingKey {
        case code, language
        case contextID = "context_id"
        case variables = "env_vars"
    }

    init(from decoder: any Decoder) throws {
        let body = try BodyFields<Key>(decoder)
        guard try body.string(.code) != nil else { throw InvalidBody.missing("code") }
        contextID = try body.string(.contextID)
        language = try body.string(.language)
        try body.checkVariables(.variables)
    }
}

/// The body of a new context.
struct ContextRequest: Decodable {
    let directory: String?
    let language: String?

    private enum Key: String, CodingKey {
        case language
        case directory = "cwd"
    }

    init(from decoder: any Decoder) throws {
        let body = try BodyFields<Key>(decoder)
        directory = try body.string(.directory)
        language = try body.string(.language)
    }
}

/// The fields of a body, each a string, or null, or not there.
private struct BodyFields<Key: CodingKey> {
    private let container: KeyedDecodingContainer<Key>

    init(_ decoder: any Decoder) throws {
        guard let container = try? decoder.container(keyedBy: Key.self) else { throw InvalidBody.notAnObject }
        self.container = container
    }

    func string(_ key: Key) throws -> String? {
        if (try? container.decodeNil(forKey: key)) ?? true { return nil }
        guard let string = try? container.decode(String.self, forKey: key) else {
            throw InvalidBody.notAString([key.stringValue], try container.decode(InvalidBody.Input.self, forKey: key))
        }
        return string
    }

    func checkVariables(_ key: Key) throws {
        if (try? container.decodeNil(forKey: key)) ?? true { return }
        guard let variables = try? container.nestedContainer(keyedBy: VariableName.self, forKey: key) else {
            throw InvalidBody.notADictionary([key.stringValue])
        }
        for name in variables.allKeys {
            let path = [key.stringValue, name.stringValue]
            guard let value = try? variables.decode(String.self, forKey: name) else {
                throw InvalidBody.notAString(path, try variables.decode(InvalidBody.Input.self, forKey: name))
            }
            guard EnvironmentVariable.isPossible(name.stringValue, value) else { throw InvalidBody.notPossible(path) }
        }
    }

    private struct VariableName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// What is wrong with a body, in the form of FastAPI, in which the real code interpreter is written.
enum InvalidBody: Error {
    case notJSON
    case notAnObject
    case missing(String)
    case notAString([String], Input)
    case notADictionary([String])
    /// A variable that no process can have.
    case notPossible([String])

    /// What stood where something else was wanted, if it is short.
    enum Input: Codable, Equatable {
        case number(Double)
        case bool(Bool)
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Double.self) {
                self = .number(value)
            } else {
                self = .other
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let value): try container.encode(value)
            case .bool(let value): try container.encode(value)
            case .other: try container.encodeNil()
            }
        }
    }

    struct Document: Encodable {
        struct Problem: Encodable {
            let type: String
            let loc: [String]
            let msg: String
            var input = Input.other
        }

        let detail: [Problem]
    }

    var document: Document {
        let problem: Document.Problem =
            switch self {
            case .notJSON: .init(type: "json_invalid", loc: ["body"], msg: "JSON decode error")
            case .notAnObject:
                .init(type: "model_attributes_type", loc: ["body"], msg: "Input should be a valid dictionary")
            case .missing(let name): .init(type: "missing", loc: ["body", name], msg: "Field required")
            case .notAString(let path, let input):
                .init(type: "string_type", loc: ["body"] + path, msg: "Input should be a valid string", input: input)
            case .notADictionary(let path):
                .init(type: "dict_type", loc: ["body"] + path, msg: "Input should be a valid dictionary")
            case .notPossible(let path):
                .init(type: "value_error", loc: ["body"] + path, msg: "Not possible in an environment")
            }
        return Document(detail: [problem])
    }
}
