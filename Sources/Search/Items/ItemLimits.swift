/// What an item may be.
public enum ItemLimits {
  public static let idBytes = 200
  public static let categoryBytes = 200
  public static let attributes = 64
  public static let attributeBytes = 200
  public static let linkBytes = 2000
  /// The largest picture file, in bytes.
  public static let pictureBytes = 32 << 20
  /// Items in one batch.
  public static let batch = 1024
  /// The most neighbours that a search may ask for.
  public static let k = 10_000
  /// The widths that codes may have.
  public static let codeBits = 32...4096
}
