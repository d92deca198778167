extension Duration {
  public var milliseconds: Double { self / .milliseconds(1) }
}
