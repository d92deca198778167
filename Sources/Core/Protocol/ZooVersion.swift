/// The version of the server and the client.
public let zooVersion = "0.1.0"
