import Foundation
import ZooProtocol

/// What a manifest must say beyond being readable.
struct ManifestRules {
  /// The largest file of a model.
  static let maximumFileBytes: UInt64 = 64 << 30

  let plugins: Set<String>
  /// The line of every field that was written, by its path.
  let lines: [String: Int]
  /// Fields that could not be read: they are mistakes already, and not missing.
  let unreadable: Set<String>

  func mistakes(in manifest: WireManifest) -> [ManifestMistake] {
    var mistakes: [ManifestMistake] = []

    func check(_ isRight: Bool, _ field: String, _ message: @autoclosure () -> String) {
      // A field below one that could not be read is not to blame.
      guard !isRight,
        !unreadable.contains(where: { $0 == field || $0.hasPrefix("\(field).") || field.hasPrefix("\($0).") })
      else { return }
      mistakes.append(ManifestMistake(line: line(of: field), field: field, message()))
    }

    check(ModelName.isValid(manifest.name), "name", "\"\(manifest.name)\" is no name: a name matches \(ModelName.rule)")
    check(manifest.version > 0, "version", "a version is 1 or more")
    check(
      plugins.contains(manifest.plugin), "plugin",
      "there is no plugin \"\(manifest.plugin)\" here: there are \(plugins.sorted().joined(separator: ", "))")
    check(!manifest.licence.isEmpty, "licence", "give the licence of the weights, for example Apache-2.0")

    check(!manifest.files.isEmpty, "files", "list every file of the version with its SHA-256 and size")
    var paths: Set<String> = []
    for (index, file) in manifest.files.enumerated() {
      let field = "files[\(index)]"
      if let problem = Self.problem(withPath: file.path) { check(false, "\(field).path", problem) }
      check(paths.insert(file.path).inserted, "\(field).path", "\"\(file.path)\" is listed twice")
      check(
        file.sha256.utf8.count == 64 && file.sha256.allSatisfy(\.isHexDigit), "\(field).sha256",
        "\"\(file.sha256)\" is not 64 hexadecimal digits: `zoo-server sums FOLDER` prints them")
      check(
        file.bytes > 0 && file.bytes <= Self.maximumFileBytes, "\(field).bytes",
        "\(file.bytes) is not a size from 1 to \(Self.maximumFileBytes): `zoo-server sums FOLDER` prints it")
    }

    check(
      !manifest.goldens.isEmpty, "goldens",
      "give at least one input with what must come out: a model that cannot be tested is not served")
    for (index, golden) in manifest.goldens.enumerated() {
      let field = "goldens[\(index)]"
      for (name, path) in [("input", golden.input), ("output", golden.output)] {
        check(
          paths.contains(path), "\(field).\(name)", "\"\(path)\" is not among the manifest's files: list it there")
      }
      check(
        golden.tolerance > 0 && golden.tolerance.isFinite, "\(field).tolerance",
        "\(golden.tolerance) is not a positive number: give the largest difference that passes, for example 0.001")
    }

    for (field, specs) in [("inputs", manifest.inputs), ("outputs", manifest.outputs)] {
      for (index, spec) in specs.enumerated() {
        check(!spec.name.isEmpty, "\(field)[\(index)].name", "name the tensor")
        check(
          spec.shape.allSatisfy { $0 == -1 || $0 > 0 }, "\(field)[\(index)].shape",
          "\(spec.shape) has an extent that is neither positive nor -1")
      }
    }
    check(manifest.queue.capacity <= 65536, "queue.capacity", "\(manifest.queue.capacity) is over 65536")
    let calibration = manifest.placement.calibration
    if manifest.placement.precision == .int8 {
      check(
        paths.contains(calibration), "placement.calibration",
        "\"\(calibration)\" is not among the manifest's files: `zoo-server calibrate` writes one for int8")
    } else {
      check(calibration.isEmpty, "placement.calibration", "only int8 is calibrated: give precision: PRECISION_INT8")
    }
    for gpu in manifest.placement.gpus {
      check(gpu < 64, "placement.gpus", "\(gpu) is over 63: GPUs count from 0")
    }
    check(
      Set(manifest.placement.gpus).count == manifest.placement.gpus.count, "placement.gpus",
      "a GPU is named twice: name each once, and give `instances` for how many requests compute at once")
    check(
      manifest.placement.gpus.isEmpty || [.unspecified, .auto, .cuda].contains(manifest.placement.device),
      "placement.gpus", "the model is placed elsewhere: give device: DEVICE_CUDA or DEVICE_AUTO, or leave gpus out")
    check(manifest.placement.threads <= 1024, "placement.threads", "\(manifest.placement.threads) is over 1024")
    check(manifest.placement.instances <= 128, "placement.instances", "\(manifest.placement.instances) is over 128")
    check(
      manifest.placement.instances <= 1 || manifest.placement.threads <= 1, "placement.threads",
      "\(manifest.placement.threads) threads for each of \(manifest.placement.instances) instances: an instance has "
        + "one, leave threads out")
    return mistakes
  }

  /// The line of a field, or of the nearest message around it that was written.
  private func line(of field: String) -> Int {
    var path = Substring(field)
    while !path.isEmpty {
      if let line = lines[String(path)] { return line }
      path = path.lastIndex(of: ".").map { path[..<$0] } ?? ""
    }
    return 1
  }

  /// Why a path cannot be a model's; nil where it can. What passes stays inside the folder it is appended to.
  static func problem(withPath path: String) -> String? {
    guard !path.isEmpty, path.utf8.count <= 256 else { return "a path has 1 to 256 characters" }
    let components = path.split(separator: "/", omittingEmptySubsequences: false)
    for component in components {
      guard !component.isEmpty, component != ".", component != "..", !component.hasPrefix(".") else {
        return
          "\"\(path)\" has the part \"\(component)\": a path leads down from the manifest, for example golden/input.png"
      }
      guard component.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: ":") })
      else { return "\"\(path)\" has characters other than letters, digits and . _ - + =" }
    }
    guard components.count <= 8 else { return "\"\(path)\" is more than 8 folders deep" }
    guard path != ModelRepository.manifestName else { return "the manifest does not list itself" }
    return nil
  }
}
