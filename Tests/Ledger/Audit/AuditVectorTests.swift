import Auth
import Foundation
import Testing

@testable import Ledger

/// docs/audit-vectors.json, to which every verifier must hold.
struct AuditVectors: Decodable {
    struct Canonical: Decodable {
        var value: CanonicalJSON
        var text: String
    }

    struct Key: Decodable {
        var seed: String
        var public_key: String
        var pem: String
        var key_id: String
    }

    struct Checkpoint: Decodable {
        var canonical: String
        var digest: String
        var message: String
        var signature: String
        var line: String
    }

    struct Record: Decodable {
        var canonical: String
        var previous: String
        var hash: String
    }

    struct File: Decodable, Sendable, CustomTestStringConvertible {
        struct Expectation: Decodable, Equatable {
            struct Fault: Decodable, Equatable {
                var kind: AuditVerification.FaultKind
                var sequence: Int64
            }

            var fault: Fault?
            var verified: Int64
            var checkpoints: Int64
            var repeated: Int64

            init(_ found: AuditVerification) {
                fault = found.fault.map { Fault(kind: $0.kind, sequence: $0.sequence) }
                verified = found.verified
                checkpoints = found.checkpoints + found.unverifiedCheckpoints
                repeated = found.repeated
            }
        }

        /// A number of a line, or a line.
        enum Line: Decodable {
            case number(Int)
            case text(String)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let number = try? container.decode(Int.self) {
                    self = .number(number)
                } else {
                    self = .text(try container.decode(String.self))
                }
            }
        }

        var name: String
        var lines: [Line]
        var end: String?
        var against: [String]?
        var without_key: Bool?
        var expect: Expectation

        var testDescription: String { name }

        func text(_ numbered: [String]) -> String {
            var text = ""
            for line in lines {
                switch line {
                case .number(let number): text += numbered[number]
                case .text(let line): text += line
                }
                text += end == "\r\n" ? "\r\n" : "\n"
            }
            return end == "" ? String(text.dropLast()) : text
        }
    }

    var canonical: [Canonical]
    var not_canonical: [String]
    var key: Key
    var checkpoint: Checkpoint
    var records: [Record]
    var lines: [String]
    var files: [File]

    static let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs")
    static let all = Result {
        try JSONDecoder().decode(Self.self, from: Data(contentsOf: docs.appending(path: "audit-vectors.json")))
    }
}

@Suite(.once) struct AuditVectorTests {
    private let vectors: AuditVectors

    init() throws { vectors = try AuditVectors.all.get() }

    @Test("Values are written as the vectors say, and read")
    func canonical() throws {
        for vector in vectors.canonical {
            #expect(vector.value.text == vector.text)
            var scanner = CanonicalScanner(Array(vector.text.utf8)[...])
            try scanner.value()
            #expect(scanner.isAtEnd, "\(vector.text)")
        }
        for text in vectors.not_canonical {
            #expect(throws: MalformedLine.self, "\(text)") {
                var scanner = CanonicalScanner(Array(text.utf8)[...])
                try scanner.value()
                guard scanner.isAtEnd else { throw MalformedLine("more follows") }
            }
        }
    }

    @Test("Records are chained as the vectors say")
    func records() throws {
        #expect(vectors.records.count == 7)
        for record in vectors.records {
            let hash = AuditChain.hash(after: try #require(Hex.bytes(record.previous)), record: record.canonical)
            #expect(Hex.text(hash) == record.hash)
            let value = try JSONDecoder().decode(CanonicalJSON.self, from: Data(record.canonical.utf8))
            #expect(value.text == record.canonical)
        }
    }

    @Test("A checkpoint is written, hashed and signed as the vectors say")
    func checkpoint() throws {
        let key = try #require(SigningKey(seed: Hex.bytes(vectors.key.seed) ?? []))
        #expect(Hex.text(key.publicKey.bytes) == vectors.key.public_key)
        #expect(key.publicKey.pem == vectors.key.pem && key.publicKey.keyID == vectors.key.key_id)
        let vector = vectors.checkpoint
        let checkpoint = try Checkpoint(canonical: vector.canonical)
        #expect(checkpoint.canonical == vector.canonical && Hex.text(checkpoint.digest) == vector.digest)
        #expect(SignedCheckpoint.message(vector.canonical) == Array(vector.message.utf8))
        let signed = checkpoint.signed(with: key)
        #expect(Hex.text(signed.signature) == vector.signature && signed.line == vector.line)
    }

    @Test("Files are judged as the vectors say", arguments: try AuditVectors.all.get().files)
    func files(file: AuditVectors.File) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/file"
        try Data(file.text(vectors.lines).utf8).write(to: URL(filePath: path))
        let found = try AuditFile(path: path).verify(
            publicKey: file.without_key == true ? nil : VerifyingKey(vectors.key.pem),
            against: (file.against ?? []).map { try SignedCheckpoint(line: $0) })
        #expect(AuditVectors.File.Expectation(found) == file.expect, "\(found)")
    }

    @Test("Every kind of fault has a vector, but for those of a ledger's own end")
    func kinds() {
        let kinds = Set(vectors.files.compactMap(\.expect.fault?.kind))
        #expect(kinds == Set(AuditVerification.FaultKind.allCases).subtracting([.end]))
    }
}
