package payload

// Form is what changes in a payload's own fields on their way into a body. The
// zero value changes nothing.
type Form struct {
	// Without names fields of the payload that are left out.
	Without []string
	// With are text fields that stand after the payload's, in place of any that
	// the payload has of the same name.
	With []Text
	// FixedFolders leaves out asset_folder and display_name, at the top level and
	// in the entries of resources, be they a list or a map. Customers' own data,
	// which lies deeper, stays.
	//
	// Source: Cloudinary, Webhook notifications, Notification response examples,
	// legacy fixed folder mode.
	FixedFolders bool
}

// Text is a field whose value is a string.
type Text struct{ Name, Value string }

// resources holds the assets that an event is about.
const resources = "resources"

// leavesOut reports whether a top-level field, by its quoted name, is not to be
// written.
func (f Form) leavesOut(quoted []byte) bool {
	if ours(quoted) {
		return true
	}
	name := quoted[1 : len(quoted)-1]
	for _, without := range f.Without {
		if string(name) == without {
			return true
		}
	}
	for _, with := range f.With {
		if string(name) == with.Name {
			return true
		}
	}
	return f.FixedFolders && ofDynamicFolders(quoted)
}

// ours reports whether a name, quoted, is one that a payload cannot set.
func ours(quoted []byte) bool {
	switch string(quoted[1 : len(quoted)-1]) {
	case typeName, contextName, keyName:
		return true
	}
	return false
}

// ofDynamicFolders reports whether a name, quoted, is of a field that only
// environments with dynamic folders have.
func ofDynamicFolders(quoted []byte) bool {
	switch string(quoted[1 : len(quoted)-1]) {
	case "asset_folder", "display_name":
		return true
	}
	return false
}

// entryDepth is how deep the entries of resources nest: within the body, within
// the list or map.
const entryDepth = 3

// field reads the value of a top-level field.
func (s *scanner) field(form Form, quoted []byte) *Error {
	if form.FixedFolders && string(quoted[1:len(quoted)-1]) == resources {
		s.fixedAt = entryDepth
		defer func() { s.fixedAt = 0 }()
	}
	return s.value()
}
