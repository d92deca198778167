/// Which colour comes first in a tensor.
public enum ChannelOrder: Sendable, Hashable {
  case rgb
  case bgr
}
