import CLibFuzzer
import Foundation
import Glibc
import NIOCore
import ZooCycleGAN
import ZooImaging
import ZooPluginKit
import ZooProtocol
import ZooRuntime
import ZooWeights

/// Runs libFuzzer on one of the places where bytes come in from outside: `zoo-fuzz TARGET CORPUS… -option=…`
@main
struct ZooFuzz {
  private typealias Target = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

  private static let targets: [String: Target] = [
    "frame": { bytes, count in
      fuzzFrames(UnsafeBufferPointer(start: bytes, count: count))
      return 0
    },
    "manifest": { bytes, count in
      fuzzManifest(UnsafeBufferPointer(start: bytes, count: count))
      return 0
    },
    "safetensors": { bytes, count in
      fuzzSafetensors(UnsafeBufferPointer(start: bytes, count: count))
      return 0
    },
    "checkpoint": { bytes, count in
      fuzzCheckpoint(UnsafeBufferPointer(start: bytes, count: count))
      return 0
    },
    "image": { bytes, count in
      fuzzImage(UnsafeBufferPointer(start: bytes, count: count))
      return 0
    },
  ]

  static func main() {
    guard CommandLine.arguments.count > 1, let target = targets[CommandLine.arguments[1]] else {
      print("usage: zoo-fuzz \(targets.keys.sorted().joined(separator: "|")) [CORPUS] [-option=value]")
      exit(64)
    }
    // libFuzzer gets the words without the target's name.
    var arguments = CommandLine.arguments.map { strdup($0) }
    arguments.remove(at: 1)
    arguments.append(nil)
    var count = CInt(arguments.count - 1)
    arguments.withUnsafeMutableBufferPointer { buffer in
      var words = buffer.baseAddress
      exit(LLVMFuzzerRunDriver(&count, &words, target))
    }
  }
}

/// A stream in pieces, its frames as requests to a connection and as responses to a client.
private func fuzzFrames(_ bytes: UnsafeBufferPointer<UInt8>) {
  var decoder = FrameDecoder(maximumLength: 1 << 16)
  var server = ServerConnection(
    tokens: AccessTokens(administer: "a"), limits: ProtocolLimits(), serverName: "fuzz", at: .now)
  var client = ClientConnection()
  _ = client.connected(token: "", client: "fuzz")
  var buffer = ByteBuffer()
  var rest = bytes[...]
  while !rest.isEmpty {
    let piece = rest.prefix(1 + Int(rest.first ?? 0) % 64)
    buffer.writeBytes(piece)
    rest = rest.dropFirst(piece.count)
    do {
      while let frame = try decoder.decode(buffer: &buffer) {
        if let request = try? WireRequest(frame: frame) {
          for case .dispatch(let call, _) in server.received(request, at: .now) {
            for input in call.infer.inputs { _ = try? input.tensor.tensor(field: "inputs") }
            _ = server.answered(.failure(of: call.id, ZooError(.internal, "fuzz")))
          }
        }
        if let response = try? WireResponse(frame: frame) { _ = client.received(response) }
      }
    } catch {
      if let error = error as? FrameError { _ = server.lost(error) }
      return
    }
  }
  _ = try? decoder.decodeLast(buffer: &buffer, seenEOF: true)
}

private let reader: ManifestReader = {
  CycleGANPlugin.registerConfiguration()
  return ManifestReader(plugins: [CycleGANPlugin.name])
}()

private func fuzzManifest(_ bytes: UnsafeBufferPointer<UInt8>) {
  _ = try? reader.manifest(String(decoding: bytes, as: UTF8.self))
}

private func fuzzSafetensors(_ bytes: UnsafeBufferPointer<UInt8>) {
  guard let weights = try? Weights(safetensors: Array(bytes)) else { return }
  for name in weights.names { _ = try? weights[name].floats() }
}

private func fuzzCheckpoint(_ bytes: UnsafeBufferPointer<UInt8>) {
  guard let weights = try? Weights(checkpoint: Array(bytes)) else { return }
  for name in weights.names { _ = try? weights[name].floats() }
}

private func fuzzImage(_ bytes: UnsafeBufferPointer<UInt8>) {
  let limits = ImageLimits(maximumBytes: 1 << 20, maximumPixels: 1 << 20, maximumSide: 4096)
  guard let image = try? Image(decoding: Data(bytes), limits: limits, scaledForMinimumSide: 16) else { return }
  _ = try? image.resized(shortSide: 16, filter: .bicubic).centerCropped(width: 8, height: 8)
}
