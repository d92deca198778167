import Testing
import ZooClient

struct ServerAddressTests {
  @Test(arguments: [
    ("localhost", "localhost", 7878), ("localhost:80", "localhost", 80), ("10.0.0.1:65535", "10.0.0.1", 65535),
    ("[::1]:9000", "::1", 9000), ("[::1]", "::1", 7878), ("::1", "::1", 7878), ("fe80::1%eth0", "fe80::1%eth0", 7878),
    ("[fe80::1%eth0]:1", "fe80::1%eth0", 1), ("zoo.example.org", "zoo.example.org", 7878),
  ])
  func addressesAreReadAndWrittenBack(text: String, host: String, port: Int) throws {
    let address = try #require(ServerAddress(text))
    #expect(address == ServerAddress(host: host, port: port))
    #expect(ServerAddress(address.description) == address)
  }

  @Test(arguments: [
    "", ":", ":80", "host:", "host:0", "host:65536", "host:-1", "host:+80", "host:http", "host:8 0", "[]:80", "[::1",
    "[::1]80", "[::1]:", "[::1]:0", "host:99999999999999999999",
  ])
  func whatIsNoAddressIsNil(text: String) {
    #expect(ServerAddress(text) == nil)
  }
}
