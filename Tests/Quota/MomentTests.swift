import Quota
import Testing

struct MomentTests {
    @Test("Milliseconds and seconds round down, also before 1970")
    func rounding() {
        #expect(Moment(nanoseconds: 1_999_999).milliseconds == 1)
        #expect(Moment(nanoseconds: -1).milliseconds == -1)
        #expect(Moment(nanoseconds: -1).seconds == -1)
        #expect(Moment(milliseconds: 1_500).seconds == 1)
    }

    @Test(
        "Written to the millisecond, rounded down",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_800_000_008_123_000_000, "2027-01-15T08:00:08.123Z"),
            (1_800_000_008_122_999_999, "2027-01-15T08:00:08.122Z"),
            (1_709_210_096_007_000_000, "2024-02-29T12:34:56.007Z"), (.max, "2262-04-11T23:47:16.854Z"),
        ] as [(Int64, String)])
    func text(nanoseconds: Int64, expected: String) {
        #expect(Moment(nanoseconds: nanoseconds).text == expected)
    }

    @Test("Durations go in and come out")
    func arithmetic() {
        let moment = Moment(milliseconds: 5)
        #expect(moment + .microseconds(1) - moment == .microseconds(1))
        #expect(moment - .milliseconds(5) == Moment(nanoseconds: 0))
        #expect(moment < moment + .nanoseconds(1))
    }

    @Test("Arithmetic stops at the ends instead of trapping")
    func saturation() {
        let end = Moment(nanoseconds: .max)
        #expect(end + .seconds(1) == end)
        #expect(Moment(nanoseconds: .min) - .seconds(Int64.max) == Moment(nanoseconds: .min))
        #expect(Moment(milliseconds: .max) == end)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    }

    @Test("What a caller must wait is rounded up")
    func waiting() {
        #expect(Duration.nanoseconds(1).secondsRoundedUp == 1)
        #expect(Duration.seconds(2).secondsRoundedUp == 2)
        #expect(Duration.nanoseconds(1_000_001).millisecondsRoundedUp == 2)
        #expect(Duration.zero.millisecondsRoundedUp == 0)
    }
}
