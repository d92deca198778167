extension WireRequest.OneOf_Call {
  /// As it is named in rpc.proto.
  public var name: String {
    switch self {
    case .hello: "hello"
    case .ping: "ping"
    case .cancel: "cancel"
    case .list: "list"
    case .info: "info"
    case .infer: "infer"
    case .load: "load"
    case .unload: "unload"
    case .register: "register"
    case .upload: "upload"
    case .commit: "commit"
    case .unregister: "unregister"
    case .createIndex: "create_index"
    case .dropIndex: "drop_index"
    case .listIndexes: "list_indexes"
    case .configureIndex: "configure_index"
    case .putItems: "put_items"
    case .removeItems: "remove_items"
    case .getItems: "get_items"
    case .search: "search"
    case .rehash: "rehash"
    case .rebuildIndex: "rebuild_index"
    case .devices: "devices"
    }
  }

  var neededAccess: AccessTokens.Access {
    switch self {
    case .hello, .ping, .cancel, .list, .info, .infer, .listIndexes, .getItems, .search: .call
    case .load, .unload, .register, .upload, .commit, .unregister: .administer
    case .createIndex, .dropIndex, .configureIndex, .putItems, .removeItems, .rehash, .rebuildIndex: .administer
    // Processes may be those of other people.
    case .devices(let devices): devices.processes ? .administer : .call
    }
  }

  /// - Throws: `permissionDenied` where a client with this access may not make the call.
  func check(_ access: AccessTokens.Access) throws(ZooError) {
    guard access < neededAccess else { return }
    let deed =
      if case .devices = self { "devices.processes lists what others run on the machine" } else {
        "\(name) changes the server"
      }
    throw ZooError(
      .permissionDenied,
      "\(deed) and the token does not allow that: say hello with the administrator's token (zoo: --token, or ZOO_TOKEN)"
    )
  }
}
