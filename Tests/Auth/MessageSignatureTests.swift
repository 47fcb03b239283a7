import Testing

@testable import Auth

struct MessageSignatureTests {
    private let fixture = SigningFixture()
    private var now: Int64 { fixture.now }

    @Test("RFC 9421's own test vector for hmac-sha256 holds (B.2.5)")
    func vectorOfTheRFC() throws {
        let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
        let request = SignableRequest(
            method: "POST", scheme: "http", authority: "example.com", path: "/foo", query: "param=Value&Pet=dog",
            fields: [
                ("Host", "example.com"), ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
                ("Content-Type", "application/json"),
                ("Content-Length", "18"),
            ])
        let input = #"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#
        guard case .innerList(let covered)? = try StructuredFieldParser.dictionary(input)["sig-b25"] else {
            Issue.record("not a list")
            return
        }
        let base = try SignatureBase(covered: covered).bytes(for: request).get()
        #expect(
            String(decoding: base, as: UTF8.self) == """
                "date": Tue, 20 Apr 2021 02:07:55 GMT
                "@authority": example.com
                "content-type": application/json
                "@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"
                """)
        let key = try #require(Base64.bytes(ArraySlice(secret.utf8)))
        #expect(Base64.text(Digest.hmacSHA256(base, key: key)) == "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=")
    }

    @Test("Components have the values of RFC 9421's examples (2.1, 2.2)")
    func components() {
        let request = SignableRequest(
            method: "POST", scheme: "HTTPS", authority: "WWW.Example.com:443", path: "/path", query: "param=value",
            fields: [
                ("X-OWS-Header", "   Leading and trailing whitespace.   "), ("Cache-Control", "max-age=60"),
                ("Cache-Control", "\t  must-revalidate"), ("Example-Dict", "a=1,    b=2;x=1;y=2,   c=(a   b   c)"),
                ("X-Empty", ""), ("X-Blank", " \t "),
            ])
        let expected = [
            "@method": "POST", "@authority": "www.example.com", "@scheme": "https", "@path": "/path",
            "@query": "?param=value", "@request-target": "/path?param=value",
            "@target-uri": "https://www.example.com/path?param=value",
            "x-ows-header": "Leading and trailing whitespace.", "cache-control": "max-age=60, must-revalidate",
            "example-dict": "a=1,    b=2;x=1;y=2,   c=(a   b   c)", "x-empty": "", "x-blank": "",
        ]
        for (name, value) in expected { #expect(request.value(of: name) == value, "\(name)") }
        for name in ["@status", "@query-param", "@signature-params", "x-missing", "X-Empty", ""] {
            #expect(request.value(of: name) == nil)
        }
        let bare = SignableRequest(
            method: "GET", scheme: "http", authority: "[::1]:8080", path: "", query: nil, fields: [])
        #expect(bare.value(of: "@path") == "/" && bare.value(of: "@query") == "?")
        #expect(bare.value(of: "@target-uri") == "http://[::1]:8080/")
        let empty = SignableRequest(method: "GET", scheme: "http", authority: "h:80", path: "/", query: "", fields: [])
        #expect(empty.value(of: "@target-uri") == "http://h/?" && empty.value(of: "@query") == "?")
    }

    @Test("A signed request is accepted as what its token allows, and shows no tag")
    func accepted() throws {
        let token = try fixture.token(.subject("user-42"), .signedOnly)
        let parts = fixture.signed(with: token)
        #expect(MessageSignature.isPresent(in: parts.fields))
        let signature = try MessageSignature(parsing: parts.request)
        #expect(signature.keyID == fixture.keyID && signature.nonce == "n-1" && signature.created == now)
        #expect(signature.hasContentDigest && signature.lastAcceptedSecond == now + 60)
        let claims = try fixture.judge(parts)
        #expect(claims.subject == "user-42" && claims.isSignedOnly)
        #expect(!parts.fields.contains { $0.value.contains(token.text.suffix(64)) })
        #expect(parts["Signature-Input"].contains(token.signatureKeyID))
    }

    @Test("Without a body no digest is needed; with an empty one it must be right")
    func noBody() throws {
        let parts = fixture.signed(with: try fixture.token(), body: [])
        #expect(parts["Content-Digest"].isEmpty)
        #expect(fixture.failure(parts, body: []) == nil)
        #expect(fixture.failure(parts, body: [0]) == .digestMissing)
        var foreign = parts
        foreign["Content-Digest"] = "sha-256=:\(Base64.text(Digest.sha256([1]))):"
        #expect(fixture.failure(foreign, body: []) == .digestMismatch)
    }

    @Test("Every byte that is covered counts")
    func everyByte() throws {
        let parts = fixture.signed(with: try fixture.token(.subject("u")))
        #expect(fixture.failure(parts) == nil)
        func refused(_ change: (inout SigningFixture.Parts) -> Void) -> Bool {
            var changed = parts
            change(&changed)
            return fixture.failure(changed) != nil
        }
        for (name, path) in [
            ("method", \SigningFixture.Parts.method), ("authority", \.authority), ("path", \.path),
            ("digest", \.["Content-Digest"]), ("input", \.["Signature-Input"]), ("signature", \.["Signature"]),
        ] {
            let bytes = Array(parts[keyPath: path].utf8)
            for index in bytes.indices {
                for mask: UInt8 in [0x01, 0x02, 0x10] {
                    var altered = bytes
                    altered[index] ^= mask
                    #expect(
                        refused { $0[keyPath: path] = String(decoding: altered, as: UTF8.self) }, "\(name) \(index)")
                }
                var cut = bytes
                cut.remove(at: index)
                let text = String(decoding: cut, as: UTF8.self)
                #expect(refused { $0[keyPath: path] = text }, "\(name) without \(index)")
            }
        }
        for query in [nil, "", "a=1&b=", "A=1&b", "a=1&b&"] { #expect(refused { $0.query = query }) }
        for body in [fixture.body + [0], fixture.body.dropLast(), []] {
            #expect(fixture.failure(parts, body: Array(body)) == .digestMismatch)
        }
        // What is not covered may change: a proxy adds fields, and the scheme.
        #expect(!refused { $0.scheme = "http" } && !refused { $0["X-Extra"] = "2" })
    }

    @Test("Of another key, or with another secret, it is forged, and its token's expiry is not told")
    func forged() throws {
        let expired = fixture.signed(with: try fixture.token(.notAfter(now - 1)))
        #expect(fixture.failure(expired) == .token(.expired))
        let signature = try MessageSignature(parsing: expired.request)
        for verifier in [
            TokenVerifier(keyID: fixture.keyID, secret: .random()),
            TokenVerifier(keyID: .random(), secret: fixture.secret),
        ] {
            #expect(throws: SignatureFailure.forged) {
                try signature.verify(expired.request, with: verifier, at: now)
            }
        }
    }

    @Test("A caveat cannot be taken out of keyid, added to it, or put in place of another")
    func keyidIsProven() throws {
        let plain = try fixture.token()
        let narrowed = try fixture.token(.subject("u"))
        let parts = fixture.signed(with: narrowed)
        let input = parts["Signature-Input"]
        for other in [plain, try fixture.token(.subject("v")), try fixture.token(.subject("u"), .signedOnly)] {
            var changed = parts
            changed["Signature-Input"] = input.replacing(narrowed.signatureKeyID, with: other.signatureKeyID)
            #expect(fixture.failure(changed) == .forged)
        }
    }

    @Test("Sixty seconds on either side are accepted, the next is not, and is told only to those who can sign")
    func skew() throws {
        let parts = fixture.signed(with: try fixture.token())
        for skew: Int64 in [-60, 0, 60] { #expect(fixture.failure(parts, at: now + skew) == nil) }
        for skew: Int64 in [-61, 61, 1_000_000] {
            #expect(fixture.failure(parts, at: now + skew) == .skewed(serverTime: now + skew))
            var forged = parts
            forged.path += "x"
            #expect(fixture.failure(forged, at: now + skew) == .forged)
        }
        let both = fixture.signed(with: try fixture.token(.notAfter(now - 1)), created: now - 61)
        #expect(fixture.failure(both) == .token(.expired))
        let far = fixture.signed(with: try fixture.token(), created: 999_999_999_999_999)
        #expect(fixture.failure(far) == .skewed(serverTime: now))
    }

    @Test("An expiry of its own is honoured")
    func expires() throws {
        let parts = try fixture.signed(
            with: fixture.token(), covering: #""@method" "@target-uri""#,
            parameters: ";created=\(now);expires=\(now + 5);nonce=\"n\";keyid=\"\(fixture.token().signatureKeyID)\"")
        #expect(try MessageSignature(parsing: parts.request).lastAcceptedSecond == now + 5)
        #expect(fixture.failure(parts, body: [], at: now + 5) == nil)
        #expect(fixture.failure(parts, body: [], at: now + 6) == .skewed(serverTime: now + 6))
    }

    @Test("Nothing that identifies the request may be left out")
    func coverage() throws {
        let token = try fixture.token()
        let parameters = ";created=\(now);nonce=\"n\";keyid=\"\(token.signatureKeyID)\""
        func failure(_ components: String) throws -> SignatureFailure? {
            fixture.failure(
                try fixture.signed(with: token, covering: components, parameters: parameters), body: [])
        }
        #expect(try failure(#""@method" "@target-uri""#) == nil)
        #expect(try failure(#""@query" "x-extra" "@path" "@scheme" "@authority" "@request-target" "@method""#) == nil)
        #expect(try failure("") == .notCovered("@method"))
        #expect(try failure(#""@target-uri""#) == .notCovered("@method"))
        #expect(try failure(#""@method" "@path" "@query""#) == .notCovered("@authority"))
        #expect(try failure(#""@method" "host" "@path" "@query""#) == .notCovered("@authority"))
        #expect(try failure(#""@method" "@authority" "@query""#) == .notCovered("@path"))
        #expect(try failure(#""@method" "@authority" "@path""#) == .notCovered("@query"))
        #expect(try failure(#""@method" "@authority" "@request-target""#) == .notCovered("@path"))
    }

    @Test("A digest that is there and not covered does not count")
    func uncoveredDigest() throws {
        let token = try fixture.token()
        var parts = SigningFixture.Parts()
        parts["Content-Digest"] = "sha-256=:\(Base64.text(Digest.sha256(fixture.body))):"
        let signed = try fixture.signed(
            with: token, covering: #""@method" "@target-uri""#,
            parameters: ";created=\(now);nonce=\"n\";keyid=\"\(token.signatureKeyID)\"", parts: parts)
        #expect(try !MessageSignature(parsing: signed.request).hasContentDigest)
        #expect(fixture.failure(signed) == .digestMissing)
        #expect(throws: Never.self) { try MessageSignature.checkDigest(fixture.body, of: signed.request) }
    }

    @Test("Parameters: what must be there, what may be, and nothing else")
    func parameters() throws {
        let token = try fixture.token()
        let keyID = ";keyid=\"\(token.signatureKeyID)\""
        func failure(_ parameters: String) throws -> SignatureFailure? {
            fixture.failure(
                try fixture.signed(with: token, covering: #""@method" "@target-uri""#, parameters: parameters), body: []
            )
        }
        #expect(try failure(";nonce=\"n\";tag=\"app\";alg=\"hmac-sha256\"\(keyID);created=\(now)") == nil)
        #expect(try failure(";nonce=\"\(String(repeating: "n", count: 128))\"\(keyID);created=\(now)") == nil)
        #expect(try failure(";nonce=\"a \\\" \\\\ b\"\(keyID);created=\(now)") == nil)
        #expect(try failure(";nonce=\"n\"\(keyID)") == .notCovered("created"))
        #expect(try failure(";created=\(now)\(keyID)") == .notCovered("nonce"))
        for alg in ["hmac-sha512", "HMAC-SHA256", "ed25519", "none", ""] {
            #expect(try failure(";created=\(now);nonce=\"n\";alg=\"\(alg)\"\(keyID)") == .wrongAlgorithm)
        }
        for wrong in [
            ";created=\"\(now)\";nonce=\"n\"", ";created=\(now).0;nonce=\"n\"", ";created;nonce=\"n\"",
            ";created=\(now);nonce=n", ";created=\(now);nonce=:bg==:", ";created=\(now);nonce=\"\"",
            ";created=\(now);nonce=\"\(String(repeating: "n", count: 129))\"", ";created=\(now);nonce=\"n\";expires=?1",
            ";created=\(now);nonce=\"n\";alg=hmac-sha256", ";created=\(now);nonce=\"n\";scope=\"x\"",
            ";created=\(now);nonce=\"n\";nonce=\"n\"", ";created=\(now);created=\(now);nonce=\"n\"",
        ] {
            guard case .malformed? = try failure(wrong + keyID) else {
                Issue.record("accepted \(wrong)")
                continue
            }
        }
    }

    @Test("Components: each once, none with parameters, none unknown, none that is not there, no line breaks")
    func wrongComponents() throws {
        let token = try fixture.token()
        let parameters = ";created=\(now);nonce=\"n\";keyid=\"\(token.signatureKeyID)\""
        for extra in [
            #""@method""#, #""x-extra" "x-extra""#, #""x-extra";sf"#, #""x-extra";key="a""#,
            #""@query-param";name="a""#, #""@status""#,
            #""@signature-params""#, #""@unknown""#, #""X-Extra""#, #""x-missing""#, #""""#, #""x extra""#, "x-extra",
            "1", ":YQ==:",
            "\"\(String(repeating: "x", count: 129))\"", #""content-digest""#,
        ] {
            let parts = try fixture.signed(
                with: token, covering: #""@method" "@target-uri" "# + extra, parameters: parameters)
            guard case .malformed? = fixture.failure(parts, body: []) else {
                Issue.record("accepted \(extra)")
                continue
            }
        }
        var parts = SigningFixture.Parts()
        parts["X-Extra"] = "1\n\"x-other\": 2"
        let broken = try fixture.signed(
            with: token, covering: #""@method" "@target-uri" "x-extra""#, parameters: parameters, parts: parts)
        #expect(fixture.failure(broken, body: []) == .malformed("a covered component has a line break"))
    }

    @Test("Exactly one signature must be ours, under any label; others may stand beside it")
    func oneOfOurs() throws {
        let parts = fixture.signed(with: try fixture.token())
        let (input, signature) = (parts["Signature-Input"], parts["Signature"])
        func failure(_ input: String, _ signature: String) -> SignatureFailure? {
            var changed = parts
            changed["Signature-Input"] = input
            changed["Signature"] = signature
            return fixture.failure(changed)
        }
        func isMalformed(_ input: String, _ signature: String) -> Bool {
            if case .malformed? = failure(input, signature) { true } else { false }
        }
        let proxy = #"proxy=("@method";req "@status");created=1;keyid="proxy-key";x=1.5"#
        #expect(failure("\(proxy), \(input)", "proxy=:AA==:, \(signature)") == nil)
        #expect(failure("\(input),\(proxy)", "\(signature),other=?1") == nil)
        #expect(failure(input.replacing("e2b=(", with: "*x.1=("), signature.replacing("e2b=", with: "*x.1=")) == nil)

        #expect(isMalformed(proxy, "proxy=:AA==:"))
        #expect(isMalformed("\(input), second=\(input.dropFirst(4))", "\(signature), second=\(signature.dropFirst(4))"))
        #expect(isMalformed("\(input), \(input)", signature))
        #expect(isMalformed(input, signature.replacing("e2b=", with: "other=")))
        #expect(isMalformed(input, "e2b=\"text\""))
        #expect(isMalformed(input, "e2b=(:AA==:)"))
        #expect(isMalformed("\(input), a=1", signature))
        #expect(isMalformed("", signature) && isMalformed(input, ""))
        #expect(failure(input, "e2b=::") == .forged && failure(input, "e2b=:AA==:") == .forged)
        let filler = String(repeating: " ", count: StructuredFieldParser.maximumLength)
        #expect(isMalformed("\(input),\(filler)\(proxy)", "\(signature), proxy=:AA==:"))

        // One signature in two lines of each field.
        var split = parts
        split.fields.append(("signature-input", proxy))
        split.fields.append(("SIGNATURE", "proxy=:AA==:"))
        #expect(fixture.failure(split) == nil)
        for name in ["Signature", "Signature-Input"] {
            var without = parts
            without.fields.removeAll { $0.name == name }
            #expect(MessageSignature.isPresent(in: without.fields))
            guard case .malformed? = fixture.failure(without) else {
                Issue.record("accepted without \(name)")
                continue
            }
        }
        #expect(!MessageSignature.isPresent(in: SigningFixture.Parts().fields))
    }

    @Test("A keyid that is no token's head is refused for what it is")
    func wrongKeyID() throws {
        let parts = fixture.signed(with: try fixture.token())
        let keyID = try fixture.token().signatureKeyID
        func failure(_ other: String) -> SignatureFailure? {
            var changed = parts
            changed["Signature-Input"] = parts["Signature-Input"].replacing(keyID, with: other)
            return fixture.failure(changed)
        }
        #expect(failure(keyID + "0a0000") == .token(.unknownCaveat(10)))
        for wrong in [
            keyID + "0", keyID.uppercased().replacing("E2B_", with: "e2b_"), "e2b_", "e2b_02" + keyID.dropFirst(6),
            keyID + "ff",
            "e2b_" + String(repeating: "00", count: 2_015), String(keyID.dropLast(2)),
        ] {
            guard case .token(.malformed)? = failure(wrong) else {
                Issue.record("accepted \(wrong.prefix(40)): \(String(describing: failure(wrong)))")
                continue
            }
        }
        // A whole token where its head belongs is a head with the tag read as caveats.
        #expect(failure(try fixture.token().text) != nil)
    }

    @Test("The longest token signs")
    func longest() throws {
        var token = try fixture.token()
        while let longer = try? token.narrowed(by: .subject(String(repeating: "x", count: 200))) { token = longer }
        while let longer = try? token.narrowed(by: .notAfter(now)) { token = longer }
        #expect(token.text.utf8.count > 4_000)
        #expect(fixture.failure(fixture.signed(with: token)) == nil)
    }

    @Test("No reason quotes the request")
    func silent() throws {
        let secret = "s3cr3t-marker"
        var parts = fixture.signed(with: try fixture.token(), nonce: secret)
        parts["X-Secret"] = secret
        let input = parts["Signature-Input"]
        for place in input.indices {
            var changed = parts
            changed["Signature-Input"] = input.replacingCharacters(at: place, with: "!")
            let told = fixture.failure(changed).map { "\($0)" } ?? ""
            #expect(!told.contains(secret) && !told.contains("\(fixture.keyID)"))
        }
    }

    @Test("A signer shows neither token nor key")
    func redacted() throws {
        let token = try fixture.token()
        let signer = RequestSigner(token)
        var shown = "\(signer) \(String(reflecting: signer)) \([signer])"
        dump(signer, to: &shown)
        #expect(!shown.contains(token.signatureKeyID) && !shown.contains("key:"))
        #expect(Set((0..<100).map { _ in RequestSigner.newNonce() }).count == 100)
    }
}

extension String {
    fileprivate func replacingCharacters(at place: Index, with text: String) -> String {
        String(self[..<place]) + text + String(self[index(after: place)...])
    }
}
