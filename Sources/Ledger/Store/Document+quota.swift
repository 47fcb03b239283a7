import Quota

/// Usages and grants are written with every admission and every settlement: by hand, many times as fast as the encoder, and
/// to the same text.
extension Document {
    static func text(_ usage: Usage) throws -> String {
        var text = "{"
        if !usage.credits.isEmpty { text += "\"credits\":\(try Document.text(usage.credits))," }
        text += "\"executions\":"
        text += String(usage.executions)
        text += ",\"sandboxes\":"
        text += String(usage.sandboxes)
        text += ",\"windows\":["
        for (index, window) in usage.windows.enumerated() {
            text += index == 0 ? "{\"reservedMilliseconds\":" : ",{\"reservedMilliseconds\":"
            text += String(window.reservedMilliseconds)
            text += ",\"startsAt\":{\"nanoseconds\":"
            text += String(window.startsAt.nanoseconds)
            text += "},\"toldPercent\":"
            text += String(window.toldPercent)
            text += ",\"usedMilliseconds\":"
            text += String(window.usedMilliseconds)
            text += ",\"window\":\""
            text += window.window.rawValue
            text += "\"}"
        }
        text += "]}"
        return text
    }

    static func text(_ grant: Grant) throws -> String {
        var text = "{\"credits\":"
        text += grant.credits.isEmpty ? "[]" : try Document.text(grant.credits)
        text += ",\"kind\":\""
        text += grant.kind.rawValue
        text += "\",\"reservations\":"
        add(grant.reservations, to: &text)
        text += ",\"subjectReservations\":"
        add(grant.subjectReservations, to: &text)
        text += ",\"timeoutMilliseconds\":"
        text += String(grant.timeoutMilliseconds)
        text += grant.wasLowered ? ",\"wasLowered\":true}" : ",\"wasLowered\":false}"
        return text
    }

    private static func add(_ reservations: [Grant.Reservation], to text: inout String) {
        text += "["
        for (index, reservation) in reservations.enumerated() {
            text += index == 0 ? "{\"milliseconds\":" : ",{\"milliseconds\":"
            text += String(reservation.milliseconds)
            text += ",\"startsAt\":{\"nanoseconds\":"
            text += String(reservation.startsAt.nanoseconds)
            text += "},\"window\":\""
            text += reservation.window.rawValue
            text += "\"}"
        }
        text += "]"
    }
}
