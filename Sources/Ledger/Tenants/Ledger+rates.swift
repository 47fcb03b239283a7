public import Quota

/// Why a call was not taken off a rate.
public enum RateFailure: Error, Sendable, Equatable {
    /// ``Denial/rate(limit:retryAfter:)``, or that of the subject.
    case denied(Denial)
    /// The ledger cannot be written.
    case unavailable(String)
}

extension Ledger {
    /// Takes one call off the rates of a tenant and of a subject: both are judged before either is charged.
    ///
    /// A gateway that has its ledger to itself does so in memory, and writes it with the next commit that concerns them, or
    /// within a second. Where others use the same rates it takes a commit; but for a call that they would refuse whatever the
    /// others do.
    ///
    /// A shadow policy refuses nothing: what it would have refused is told in the standings.
    ///
    /// - Returns: what is left of the rates. A tenant that does not exist has no rate to exceed.
    @discardableResult
    public func takeRate(
        of tenant: String, subject: String? = nil
    ) async throws(RateFailure) -> RateStandings {
        let id = SubjectID(of: tenant, subject?.recordable)
        return turns.isShared ? try await takeSharedRate(of: id) : try takeOwnRate(of: id)
    }

    private func takeOwnRate(of subject: SubjectID) throws(RateFailure) -> RateStandings {
        let (tenant, now) = (subject.tenant, clock.now())
        return try books.withLock { books throws(RateFailure) in
            guard let policy = books.accounts[tenant]?.policy else { return RateStandings() }
            var rates = RatePair(tenant: books.rates[tenant], subject: books.subjects.rate(of: subject))
            let standings: RateStandings
            do throws(Denial) { standings = try rates.charge(under: policy, at: now) } catch { throw .denied(error) }
            books.rates[tenant] = rates.tenant
            books.unwrittenRates.insert(tenant)
            if policy.subject?.rate != nil {
                books.subjects.set(rates.subject, of: subject, at: now)
                books.subjects.unwrittenRates.insert(subject)
            }
            return standings
        }
    }

    private func takeSharedRate(of subject: SubjectID) async throws(RateFailure) -> RateStandings {
        try refuseHopeless(subject)
        let verdict: Result<RateStandings, Denial>
        do {
            verdict = try await commits.submit(.tenant(subject.tenant)) { draft in
                guard let policy = draft.account(subject.tenant)?.policy else { return .success(RateStandings()) }
                let hasOwn = policy.subject?.rate != nil
                var rates = RatePair(
                    tenant: draft.rate(of: subject.tenant), subject: hasOwn ? try draft.rate(of: subject) : nil)
                do throws(Denial) {
                    let standings = try rates.charge(under: policy, at: draft.now)
                    draft.setRates(rates, of: subject, hasOwn: hasOwn)
                    return .success(standings)
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw .unavailable(error.reason)
        }
        do { return try verdict.get() } catch { throw .denied(error) }
    }

    /// Refuses, from memory, whom the rates would refuse though nobody else had taken anything off them: others only ever
    /// take. So a flood of calls costs the database nothing.
    private func refuseHopeless(_ subject: SubjectID) throws(RateFailure) {
        let now = turns.latestNow
        let known = books.withLock { books in
            (
                books.accounts[subject.tenant]?.policy,
                RatePair(tenant: books.rates[subject.tenant], subject: books.subjects.rate(of: subject))
            )
        }
        guard let policy = known.0, !policy.shadow else { return }
        var rates = known.1
        do throws(Denial) { try rates.take(under: policy, at: now) } catch { throw .denied(error) }
    }
}

extension RatePair {
    /// Takes one call off both; what a shadow policy would have refused is told.
    fileprivate mutating func charge(under policy: Policy, at now: Moment) throws(Denial) -> RateStandings {
        var shadowed: Denial?
        do throws(Denial) {
            try take(under: policy, at: now)
        } catch {
            guard policy.shadow else { throw error }
            shadowed = error
        }
        return standings(under: policy, at: now, shadowed: shadowed)
    }
}
