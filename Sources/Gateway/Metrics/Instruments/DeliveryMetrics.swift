import CoreMetrics

/// What is counted of notifications.
struct DeliveryMetrics: Sendable {
    let delivered: Counter
    /// Tried again later.
    let failed: Counter
    let givenUp: Counter

    init(_ registry: MetricsRegistry) {
        delivered = registry.counter(.webhookDeliveries, ("result", "delivered"))
        failed = registry.counter(.webhookDeliveries, ("result", "failed"))
        givenUp = registry.counter(.webhookDeliveries, ("result", "given_up"))
    }
}
