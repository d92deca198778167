// What every store asks of what it is given, in one place so that all of them ask the same. Each returns its value with
// text in normalization form C. The messages name the field.

extension [NewItem] {
  /// - Throws: `invalid` where something is beyond ``ItemLimits``. Codes are ``HasherWidths``' to check.
  public func checked() throws(SearchError) -> [NewItem] {
    guard count <= ItemLimits.batch else {
      throw SearchError(
        .invalid, "\(count) items in a batch where \(ItemLimits.batch) are the most: send several batches")
    }
    var checked: [NewItem] = []
    checked.reserveCapacity(count)
    for (index, item) in enumerated() { checked.append(try item.checked("items[\(index)]")) }
    return checked
  }
}

extension NewItem {
  /// - Parameter field: where the item stands, for messages: `items[3]`.
  /// - Throws: `invalid` where something is beyond ``ItemLimits``.
  public func checked(_ field: @autoclosure () -> String) throws(SearchError) -> NewItem {
    var item = self
    item.id = try ItemText.checked(id, "\(field()).id", bytes: ItemLimits.idBytes)
    item.category = try ItemText.checked(category, "\(field()).category", bytes: ItemLimits.categoryBytes)
    item.attributes = try ItemText.checked(attributes, "\(field()).attributes")
    item.link = try ItemText.checked(link, "\(field()).link", bytes: ItemLimits.linkBytes, mayBeEmpty: true)
    item.predicted.attributes = try ItemText.checked(predicted.attributes, "\(field()).predicted.attributes")
    for (version, prediction) in picture.predictions {
      item.picture.predictions[version] = try prediction.checked("\(field()).picture.predictions[\(version)]")
    }
    if let data = picture.data, data.isEmpty || data.count > ItemLimits.pictureBytes {
      throw SearchError(
        .invalid,
        "\(field()).picture.data has \(data.count) bytes: a picture has 1 to \(ItemLimits.pictureBytes)")
    }
    return item
  }
}

extension Prediction {
  fileprivate func checked(_ field: @autoclosure () -> String) throws(SearchError) -> Prediction {
    Prediction(
      category: try ItemText.checked(
        category, "\(field()).category", bytes: ItemLimits.categoryBytes, mayBeEmpty: true),
      attributes: try ItemText.checked(attributes, "\(field()).attributes"))
  }
}

extension [PictureCode] {
  /// - Throws: `invalid` where something is beyond ``ItemLimits``. Codes are ``HasherWidths``' to check.
  public func checked() throws(SearchError) -> [PictureCode] {
    guard count <= ItemLimits.batch else {
      throw SearchError(
        .invalid, "\(count) codes in a batch where \(ItemLimits.batch) are the most: send several batches")
    }
    var checked = self
    for (index, code) in enumerated() {
      checked[index].prediction = try code.prediction.checked("codes[\(index)].prediction")
    }
    return checked
  }
}

extension NearestQuery {
  /// - Throws: `invalid` where k is not 0 to ``ItemLimits/k``.
  public func checked() throws(SearchError) -> NearestQuery {
    guard (0...ItemLimits.k).contains(k) else {
      throw SearchError(.invalid, "k is \(k): ask for 0 to \(ItemLimits.k) items")
    }
    var query = self
    query.categories = categories.map { $0.map(ItemText.normalized) }
    query.filters = filters.map { filter in
      AttributeFilter(
        attribute: ItemText.normalized(filter.attribute), values: filter.values.map(ItemText.normalized))
    }
    return query
  }
}

extension IndexSettings {
  /// - Throws: `invalid` where a value is out of its range.
  public func checked() throws(SearchError) -> IndexSettings {
    var settings = self
    settings.name = try ItemText.checked(name, "settings.name", bytes: ItemLimits.idBytes)
    settings.model = try ItemText.checked(model, "settings.model", bytes: ItemLimits.idBytes)
    try HasherWidths.check(bits: active.bits, "settings.active.bits")
    if let next {
      try HasherWidths.check(bits: next.bits, "settings.next.bits")
      guard next.version != active.version else {
        throw SearchError(
          .invalid, "settings.next.version is \(next.version), which is active: name another version or none")
      }
    }
    guard (0...1).contains(lambda) else {
      throw SearchError(.invalid, "settings.lambda is \(lambda): the share of appearance is 0 to 1")
    }
    guard topCategories >= 1 else {
      throw SearchError(.invalid, "settings.topCategories is \(topCategories): a search looks into 1 category or more")
    }
    guard attributes.count <= ItemLimits.attributes else {
      throw SearchError(
        .invalid,
        "settings.attributes has \(attributes.count) entries where \(ItemLimits.attributes) are the most: "
          + "leave some out")
    }
    var names: Set<String> = []
    for (index, attribute) in attributes.enumerated() {
      let name = try ItemText.checked(
        attribute.name, "settings.attributes[\(index)].name", bytes: ItemLimits.attributeBytes)
      settings.attributes[index].name = name
      guard names.insert(name).inserted else {
        throw SearchError(.invalid, "settings.attributes[\(index)].name is \(name) once more: name it once")
      }
      guard attribute.weight >= 0, attribute.weight.isFinite else {
        throw SearchError(
          .invalid, "settings.attributes[\(index)].weight is \(attribute.weight): a weight is 0 or more")
      }
    }
    return settings
  }

  /// - Throws: `failedPrecondition` where the active or the next version is not one whose codes the store takes.
  public func check(_ widths: HasherWidths) throws(SearchError) {
    for (field, hasher) in [("active", active), ("next", next)] {
      guard let hasher, widths.bits[hasher.version] != hasher.bits else { continue }
      throw SearchError(
        .failedPrecondition,
        "settings.\(field): the store takes no codes of version \(hasher.version) with \(hasher.bits) bits: "
          + "add the version first")
    }
  }
}
