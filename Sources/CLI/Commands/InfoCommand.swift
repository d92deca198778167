import ArgumentParser
import Foundation
import SwiftProtobuf
import ZooClient
import ZooProtocol
import ZooReporting

struct InfoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Describes a model: where it comes from, what it takes and what it answers.")

  @Argument(help: "The model.")
  var model: ModelReference

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let (model, asJSON) = (model, options.json)
    try await options.withClient { client in
      let info = try await client.info(model)
      if asJSON { return try Output.json(object: Self.object(info)) }
      let (status, manifest) = (info.status, info.manifest)
      Output.print(
        Output.bold("\(status.name)@\(status.version)") + "  \(status.state.label)\(status.serving ? ", serving" : "")")
      if !status.reason.isEmpty { Output.print("  \(status.reason)") }
      Output.print("  \(manifest.description_p)")
      Output.print("  plugin \(manifest.plugin), licence \(manifest.licence)")
      for source in manifest.sources { Output.print("  from: \(source)") }
      if status.state == .available {
        Output.print(
          "  \(Units.count(status.parameters)) parameters, \(status.precision) on \(status.device), "
            + "\(Units.bytes(status.memoryBytes)), loaded in \(Units.milliseconds(info.loadMs * 1000)), "
            + String(format: "off its golden by %.2g at most", info.goldenError))
      }
      Self.print("takes", info.inputs)
      Self.print("parameters", info.parameters)
      Self.print("answers", info.outputs)
      for (title, specs) in [("network in", info.networkInputs), ("network out", info.networkOutputs)]
      where !specs.isEmpty {
        Output.print(Output.bold(title))
        for spec in specs { Output.print("  \(spec.name): float32 \(spec.shape)") }
      }
      Output.print(Output.bold("files"))
      for file in manifest.files {
        Output.print("  \(file.path)  \(Units.bytes(file.bytes))  sha256 \(file.sha256.prefix(12))…")
      }
    }
  }

  /// The plugin's configuration as `{"@type": …, "value": BASE64}`: its type is known to the plugin alone.
  private static func object(_ info: WireInfoResult) throws -> Any {
    var plain = info
    plain.manifest.clearConfig()
    guard info.manifest.hasConfig, var object = try Output.object(of: plain) as? [String: Any],
      var manifest = object["manifest"] as? [String: Any]
    else { return try Output.object(of: plain) }
    let config = info.manifest.config
    manifest["config"] = ["@type": config.typeURL, "value": config.value.base64EncodedString()]
    object["manifest"] = manifest
    return object
  }

  private static func print(_ title: String, _ slots: [WireSlot]) {
    guard !slots.isEmpty else { return }
    Output.print(Output.bold(title))
    for slot in slots {
      let standard = slot.defaultValue.isEmpty ? "" : " (\(slot.defaultValue) unless told)"
      Output.print("  \(slot.name): \(slot.kind)\(slot.required ? "" : ", optional"): \(slot.description_p)\(standard)")
    }
  }
}
