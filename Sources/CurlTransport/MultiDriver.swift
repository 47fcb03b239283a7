import CLibcurl

/// Drives libcurl's multi handle with epoll. Made, run and ended on libcurl's thread; nothing here is shared.
final class MultiDriver {
    private let loop: TransferLoop
    private let multi: UnsafeMutableRawPointer
    private let clock = ContinuousClock()
    private var poller = Poller()
    private var idle = IdleConnections()
    private var active: [ObjectIdentifier: Transfer] = [:]
    /// When libcurl wants to be called next.
    private var libcurlDue: ContinuousClock.Instant?
    /// No transfer is overdue before this instant. A lower bound: activity only moves deadlines away, so it is
    /// recomputed when reached, not at every byte.
    private var earliestDue: ContinuousClock.Instant?

    init(loop: TransferLoop, configuration: CurlClient.Configuration) {
        guard let multi = curl_multi_init() else { preconditionFailure("no memory for libcurl's multi handle") }
        self.loop = loop
        self.multi = multi
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = shim_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maximumConnections)
        _ = shim_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maximumConnectionsPerHost ?? 0)
        _ = shim_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maximumConnections)
        _ = shim_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
        _ = shim_multi_set_socket_callback(multi) { easy, socket, what, context, _ in
            let transfer = Transfer.of(easy)
            MultiDriver.at(context).socketChanged(socket, what: what, isHeldUp: transfer?.isHeldUp ?? false)
            transfer?.interestChanged(isReceiving: what & CURL_POLL_IN != 0)
            return 0
        }
        _ = shim_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
        _ = shim_multi_set_timer_callback(multi) { _, milliseconds, context in
            MultiDriver.at(context).timerChanged(milliseconds: milliseconds)
            return 0
        }
        poller.watch(loop.wakeup.descriptor, reading: true, writing: false)
    }

    deinit {
        curl_multi_cleanup(multi)
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> MultiDriver {
        Unmanaged<MultiDriver>.fromOpaque(context!).takeUnretainedValue()
    }

    /// Runs until told to stop, then fails what is still open.
    func run() {
        while perform(loop.takeCommands()) {
            if let due = libcurlDue, due <= clock.now {
                libcurlDue = nil
                act(on: CURL_SOCKET_TIMEOUT, 0)
            }
            reapFinished()
            expireOverdue()
            for event in poller.wait(milliseconds: millisecondsToSleep()) {
                if event.descriptor == loop.wakeup.descriptor {
                    loop.wakeup.drain()
                } else if idle.discard(event.descriptor) {
                    poller.forget(event.descriptor)
                } else {
                    let mask =
                        (event.isReadable ? CURL_CSELECT_IN : 0) | (event.isWritable ? CURL_CSELECT_OUT : 0)
                        | (event.isBroken ? CURL_CSELECT_ERR : 0)
                    act(on: event.descriptor, mask)
                }
            }
            reapFinished()
        }
        let refused = loop.close()
        for case .start(let transfer) in refused { transfer.finish(.stopped) }
        for transfer in Array(active.values) { end(transfer, .stopped) }
    }

    /// Carries out commands in order; false at the order to stop.
    private func perform(_ commands: [TransferLoop.Command]) -> Bool {
        for (index, command) in commands.enumerated() {
            switch command {
            case .start(let transfer): start(transfer)
            case .resumeReceiving(let transfer): ifActive(transfer) { $0.resumeReceiving() }
            case .resumeSending(let transfer): ifActive(transfer) { $0.resumeSending() }
            case .cancel(let transfer): end(transfer, .cancelled)
            case .linger(let transfer): ifActive(transfer) { $0.linger() }
            case .complete(let transfer): end(transfer, transfer.endWithinUpload)
            case .stop:
                for case .start(let transfer) in commands[index...] { transfer.finish(.stopped) }
                return false
            }
        }
        return true
    }

    private func start(_ transfer: Transfer) {
        active[ObjectIdentifier(transfer)] = transfer
        transfer.begin { [unowned self] due in noteDue(due) }
        noteDue(transfer.due)
        let code = curl_multi_add_handle(multi, transfer.easy.raw)
        if code != CURLM_OK { end(transfer, .other(code: Int32(code.rawValue))) }
    }

    private func ifActive(_ transfer: Transfer, _ action: (Transfer) -> Void) {
        if active[ObjectIdentifier(transfer)] != nil { action(transfer) }
    }

    /// Takes a transfer out of libcurl, which closes its connection unless the response was complete.
    private func end(_ transfer: Transfer, _ failure: TransportFailure?) {
        guard active.removeValue(forKey: ObjectIdentifier(transfer)) != nil else { return }
        curl_multi_remove_handle(multi, transfer.easy.raw)
        transfer.finish(failure)
    }

    private func act(on socket: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(multi, socket, mask, &running)
    }

    private func reapFinished() {
        var code = CURLE_OK
        while let easy = shim_pop_done(multi, &code) {
            guard let transfer = Transfer.of(easy) else { continue }
            end(transfer, transfer.failure(for: code))
        }
    }

    private func expireOverdue() {
        let now = clock.now
        guard let due = earliestDue, due <= now else { return }
        earliestDue = nil
        for transfer in Array(active.values) {
            if let failure = transfer.overdue(at: now) {
                end(transfer, failure)
            } else {
                noteDue(transfer.due)
            }
        }
    }

    private func noteDue(_ due: ContinuousClock.Instant?) {
        guard let due else { return }
        earliestDue = min(earliestDue ?? due, due)
    }

    private func millisecondsToSleep() -> Int32 {
        let dues = [libcurlDue, earliestDue].compactMap { $0 }
        guard let next = dues.min() else { return -1 }
        let wait = clock.now.duration(to: next)
        guard wait > .zero else { return 0 }
        return Int32(min((wait / .milliseconds(1)).rounded(.up), 60_000))  // rounded up, or the last one would spin
    }

    private func socketChanged(_ socket: curl_socket_t, what: Int32, isHeldUp: Bool) {
        idle.wake(socket)
        if what != CURL_POLL_REMOVE {
            poller.watch(socket, reading: what & CURL_POLL_IN != 0, writing: what & CURL_POLL_OUT != 0)
        } else if !isHeldUp, idle.rest(socket) {
            poller.watch(socket, reading: true, writing: false)
        } else {
            poller.forget(socket)
        }
    }

    private func timerChanged(milliseconds: Int) {
        libcurlDue = milliseconds < 0 ? nil : clock.now + .milliseconds(milliseconds)
    }
}
