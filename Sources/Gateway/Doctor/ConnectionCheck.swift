import CurlTransport

/// Connecting to the control plane, and the certificate it shows.
struct ConnectionCheck {
    let url: String

    private static let shortOfTime = 14.0

    /// What a connection that stood shows.
    func findings(_ report: ConnectionReport, at now: Double) -> [Finding] {
        var measured = ["connect_ms": report.connect.milliseconds, "answer_ms": report.answer.milliseconds]
        var steps = "connected to \(report.address) in \(report.connect.inMilliseconds)"
        if let handshake = report.handshake {
            measured["tls_ms"] = handshake.milliseconds
            steps += ", TLS in \(handshake.inMilliseconds)"
        }
        steps += ", answered in \(report.answer.inMilliseconds)"
        return [Finding("control-plane", .ok, "\(url): \(steps)", measured: measured), certificate(report, at: now)]
    }

    /// What came of one that did not stand.
    func finding(_ failure: TransportFailure) -> Finding {
        let (reason, advice): (String, String) =
            switch failure {
            case .tlsFailed(let detail):
                (
                    "TLS failed: \(detail)",
                    "Where the certificate is from an authority of your own, name its file in CURL_CA_BUNDLE; else "
                        + "upstream's certificate has to be put right."
                )
            case .refused: ("nothing listens there", "Check E2B_API_URL and E2B_DOMAIN, and firewalls on the way.")
            case .connectTimedOut, .idleTimedOut, .totalTimedOut:
                ("no answer in time", "Check firewalls and proxies on the way.")
            case .malformedResponse, .headersTooLarge:
                ("what answers there does not speak HTTP", "Check E2B_API_URL: its port and its scheme.")
            default: ("the connection was lost (\(failure))", "Check the network on the way.")
            }
        return Finding("control-plane", .failed, "\(url): \(reason)", advice: advice)
    }

    private func certificate(_ report: ConnectionReport, at now: Double) -> Finding {
        guard report.handshake != nil else {
            return Finding("certificate", .skipped, "the control plane is reached without TLS")
        }
        guard let text = report.certificateEnd, let end = CalendarText.seconds(text) else {
            return Finding("certificate", .skipped, "its end cannot be read")
        }
        let days = (end - now) / 86_400
        let detail = "valid for \(Int(days)) more days, until \(text.trimmingPrefix(" "))"
        let measured = ["left_days": (days * 10).rounded() / 10]
        guard days < Self.shortOfTime else { return Finding("certificate", .ok, detail, measured: measured) }
        return Finding(
            "certificate", .warning, detail, advice: "Upstream has to renew it; nothing can be reached after that.",
            measured: measured)
    }
}

/// How far this machine's clock is from upstream's.
enum ClockCheck {
    /// Seconds beyond which it is worth a word, and beyond which tokens and signatures are refused.
    private static let noticeable = 5.0
    private static let harmful = 60.0

    /// - Parameters:
    ///   - date: the answer's `Date`, whole seconds.
    ///   - sent: when the call was made, in seconds since 1970; `received`: when its answer was there.
    static func finding(date: String?, sent: Double, received: Double) -> Finding {
        guard let date, let theirs = CalendarText.seconds(date) else {
            return Finding("clock", .skipped, "upstream's answer has no date")
        }
        // Theirs is cut off to a second; it was written at some moment between.
        let skew = if theirs > received { received - theirs } else { max(0, sent - (theirs + 1)) }
        let rounded = (skew * 10).rounded() / 10
        let measured = ["skew_s": rounded]
        guard abs(skew) > noticeable else {
            return Finding("clock", .ok, "agrees with upstream's to \(Int(noticeable)) s", measured: measured)
        }
        let seconds = Int(abs(skew).rounded())
        return Finding(
            "clock", abs(skew) > harmful ? .failed : .warning,
            "\(seconds) s \(skew > 0 ? "ahead of" : "behind") upstream's",
            advice: "Have the clock set by NTP: tokens with an end and signed requests depend on it.",
            measured: measured)
    }
}
