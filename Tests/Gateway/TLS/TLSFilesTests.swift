import Foundation
import TestSupport
import Testing

@testable import Gateway

@Suite struct TLSFilesTests {
    @Test func aCertificateAndItsKeyAreTaken() async throws {
        let made = try await TestCertificates.make()
        defer { made.remove() }
        let identity = try files(of: made).load()
        #expect(identity.chain.count == 1)
        #expect(identity.notValidAfter > Int(Date().timeIntervalSince1970))
    }

    @Test func aChainIsTakenWhole() async throws {
        let made = try await TestCertificates.make()
        defer { made.remove() }
        try write(try contents(of: made.certificate) + contents(of: made.authority), to: made.certificate)
        #expect(try files(of: made).load().chain.count == 2)
        // The other way round the key does not belong to the first.
        try write(try contents(of: made.authority) + contents(of: made.certificate), to: made.certificate)
        expectFailure(of: files(of: made), ["GATEWAY_TLS_KEY", made.key, made.certificate, "first certificate"])
    }

    @Test func whatIsMissingOrSomethingElseIsNamed() async throws {
        let made = try await TestCertificates.make()
        defer { made.remove() }
        let missing = made.folder + "/missing.pem"
        expectFailure(of: .init(certificate: missing, key: made.key), ["GATEWAY_TLS_CERT", missing, "cannot be read"])
        expectFailure(
            of: .init(certificate: made.certificate, key: missing), ["GATEWAY_TLS_KEY", missing, "cannot be read"])
        expectFailure(of: .init(certificate: made.key, key: made.key), ["GATEWAY_TLS_CERT", "certificates in PEM"])
        expectFailure(
            of: .init(certificate: made.certificate, key: made.certificate), ["GATEWAY_TLS_KEY", "private key in PEM"])
        let stranger = made.folder + "/stranger.key"
        expectFailure(
            of: .init(certificate: made.certificate, key: stranger), ["GATEWAY_TLS_KEY", "does not hold the key"])
    }

    @Test func aKeyIsForItsOwnerAndGroupOnly() async throws {
        let made = try await TestCertificates.make()
        defer { made.remove() }
        for (mode, isTaken) in [(0o600, true), (0o640, true), (0o644, false), (0o601, false)] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: made.key)
            if isTaken {
                _ = try files(of: made).load()
            } else {
                expectFailure(of: files(of: made), ["GATEWAY_TLS_KEY", "others may read", "chmod o= \(made.key)"])
            }
        }
        // What counts is the file behind a link.
        let link = made.folder + "/link.key"
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: made.key)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: made.key)
        _ = try TLSFiles(certificate: made.certificate, key: link).load()
    }

    @Test func changesAreSeenWithoutReading() async throws {
        let made = try await TestCertificates.make()
        defer { made.remove() }
        let files = files(of: made)
        let before = files.stamps
        #expect(files.stamps == before)
        try write(try contents(of: made.certificate), to: made.certificate)  // another file of the same contents
        #expect(files.stamps != before)
        try FileManager.default.removeItem(atPath: made.key)
        #expect(files.stamps[1] == nil)
    }

    private func files(of made: TestCertificates) -> TLSFiles {
        TLSFiles(certificate: made.certificate, key: made.key)
    }

    private func contents(of path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func expectFailure(of files: TLSFiles, _ said: [String]) {
        let failure = #expect(throws: SettingFailure.self) { try files.load() }
        for text in said { #expect(failure?.description.contains(text) == true, "\(failure?.description ?? "")") }
    }
}
