import HTTPTypes

/// How the caller says where its body ends.
enum BodyFraming: Equatable {
    case none, chunked, malformed
    case length(Int)

    init(_ head: HTTPRequest) {
        if let text = head.headerFields[.contentLength] {
            guard let length = Int(text), length >= 0 else {
                self = .malformed
                return
            }
            self = length == 0 ? .none : .length(length)
        } else if head.headerFields[.transferEncoding] != nil {
            self = .chunked
        } else {
            // HTTP/2 has neither; there only what may have a body is taken to have one.
            self = [.post, .put, .patch].contains(head.method) ? .chunked : .none
        }
    }

    var length: Int? {
        if case .length(let length) = self { length } else { nil }
    }
}
