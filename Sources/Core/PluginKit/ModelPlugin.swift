public import SwiftProtobuf
public import ZooGraph
public import ZooImaging
public import ZooTensor

/// What a plugin author writes; everything else is the runtime's.
///
/// A plugin is a configuration, a network and two functions around it. It is made once for every loaded version of a
/// model and called from several threads at once. Batching, deadlines, statistics and devices are not its business.
public protocol ModelPlugin: Sendable {
  /// The protobuf message in the manifest's `config`.
  associatedtype Configuration: Message
  /// What `finish` needs to know of the input that `prepare` saw; `Void` where that is nothing.
  associatedtype Context: Sendable = Void

  /// As it is written in the manifest's `plugin`: `[a-z0-9][a-z0-9._-]{0,63}`.
  static var name: String { get }

  /// Reads the configuration and the weights.
  ///
  /// - Parameter files: the files of the model version; their sums have been verified.
  /// - Throws: ``PluginError`` that names the field or the tensor, what it is and what it should be.
  init(_ configuration: Configuration, files: ModelFiles) throws

  /// What requests may hold and what answers do.
  var interface: ModelInterface { get }

  /// The network, for one item (`N` = 1). It is run with other batch sizes, and with other picture sizes where
  /// `prepare` makes them.
  func network() throws -> Graph

  /// Turns a request into the network's inputs, one for each of the graph's, with `N` = 1. Pictures that are left to be
  /// resized and normalised are where the network runs, if that is a GPU.
  func prepare(_ input: ModelInput) throws -> (inputs: [PreparedInput], context: Context)

  /// Turns the network's output tensors for one item into an answer.
  func finish(_ tensors: [Tensor], context: Context, for input: ModelInput) throws -> ModelOutput
}

/// One of the network's inputs.
public enum PreparedInput: Sendable {
  /// Float32, unless the graph says otherwise.
  case tensor(Tensor)
  case picture(NormalizedPicture)

  /// What the network gets.
  public func tensor() throws -> Tensor {
    switch self {
    case .tensor(let tensor): tensor
    case .picture(let picture): try picture.tensor()
    }
  }

  public var shape: Shape {
    switch self {
    case .tensor(let tensor): tensor.shape
    case .picture(let picture): picture.shape
    }
  }
}

/// An item on its way through the network: its inputs, and how to turn what comes out into an answer.
public struct PreparedItem: Sendable {
  public let inputs: [PreparedInput]
  public let finish: @Sendable ([Tensor]) throws -> ModelOutput
}

extension ModelPlugin {
  /// ``prepare(_:)`` with the context tucked away, for callers that hold `any ModelPlugin`.
  public func preparedItem(for input: ModelInput) throws -> PreparedItem {
    try interface.check(input)
    let (inputs, context) = try prepare(input)
    return PreparedItem(inputs: inputs) { try finish($0, context: context, for: input) }
  }

  /// Makes the plugin from the manifest's `config`; an unset one is the default configuration.
  public static func make(
    _ configuration: Google_Protobuf_Any, files: ModelFiles
  ) throws -> any ModelPlugin {
    guard !configuration.typeURL.isEmpty else { return try Self(Configuration(), files: files) }
    let message: Configuration
    do {
      message = try Configuration(unpackingAny: configuration)
    } catch {
      throw PluginError(
        .invalidConfiguration,
        "config is a \(configuration.typeURL) and the plugin \(name) takes a "
          + "type.googleapis.com/\(Configuration.protoMessageName)",
        cause: error)
    }
    return try Self(message, files: files)
  }

  /// Makes the configuration readable and writable in manifests. Called once for every plugin that a program has.
  public static func registerConfiguration() {
    Google_Protobuf_Any.register(messageType: Configuration.self)
  }
}
