import CurlTransport
import Logging

/// The sinks that the settings ask for.
enum AuditSinks {
    static func make(settings: Settings, transport: CurlClient, logger: Logger) -> [any AuditSink] {
        var sinks: [any AuditSink] = []
        if let path = settings.auditFile {
            let bytes = Int64(settings.auditFileMegabytes) << 20
            let kept = settings.auditFiles == 0 ? nil : settings.auditFiles
            sinks.append(FileSink(path: path, maximumBytes: bytes, kept: kept, logger: logger))
        }
        if let address = settings.auditSyslog {
            if !address.isLocal {
                logger.warning(
                    "audit records leave this machine in the clear; have a syslog daemon here send them on over TLS",
                    metadata: ["destination": "\(address)"])
            }
            sinks.append(SyslogSink(address: address))
        }
        if let url = settings.auditCollectorURL {
            sinks.append(CollectorSink(url: url, token: settings.auditCollectorToken, transport: transport))
        }
        return sinks
    }
}
