import CZooImaging

extension ImagingError {
  /// Calls a C function, with room for its message, and throws what it reports.
  ///
  /// - Parameter what: the start of the error's message: "the JPEG cannot be read".
  static func check(
    _ what: String, _ body: (UnsafeMutablePointer<CChar>) -> zoo_imaging_status
  ) throws(ImagingError) {
    var message = [CChar](repeating: 0, count: Int(ZOO_IMAGING_MESSAGE_BYTES))
    let status = body(&message)
    guard status != zoo_imaging_ok else { return }
    let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    switch status {
    case zoo_imaging_unsupported:
      throw ImagingError(.unsupported, "\(what): \(text): save it as an 8-bit baseline JPEG or a PNG")
    case zoo_imaging_limit_exceeded:
      throw ImagingError(.limitExceeded, "\(what): \(text): save it anew, or send a smaller one")
    case zoo_imaging_out_of_memory:
      throw ImagingError(.internalFailure, "\(what): \(text)")
    default:
      throw ImagingError(.malformed, "\(what): \(text): the file is damaged, send it again")
    }
  }
}
