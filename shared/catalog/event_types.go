package catalog

// eventType is a row of the catalogue.
type eventType struct {
	name, description string
	// methods are the API methods that cause events of the type, console the
	// actions in the Console.
	methods, console []string
	// urlMethods are those of notificationURLMethods that cause events of the type.
	urlMethods []string
	// dynamicFolders marks what does not exist with fixed folders.
	dynamicFolders bool
	examples       []example
}

// example is a payload, in examples/<type>-<kind>.json.
type example struct{ kind, title string }

// notificationURLMethods are the seven methods that take a notification_url.
//
// Source: Cloudinary, Webhook notifications, Notification URLs for specific API
// calls.
var notificationURLMethods = []string{
	"upload", "explicit", "explode", "generate_archive", "sprite", "multi", "create_collage",
}

// uploadOrExplicit are the methods that take eager_notification_url.
//
// Source: Cloudinary, Webhook notifications, Eager transformation notifications.
var uploadOrExplicit = []string{"upload", "explicit"}

// changes are the methods that change an asset which is there.
var changes = []string{"explicit", "update"}

// eventTypes holds the values of Cloudinary's event_type but "all", and the two
// that its documents name besides: proof_status_changed and related_assets.
// Sorted by name.
//
// Cloudinary does not say which type a collage is reported as, so producers may
// report it as a multi too. The example is an upload: a collage is an asset of
// its own, and whoever handles new assets wants to be told of it.
//
// Source: Cloudinary, Admin API, event_type; Webhook notifications, API method
// call notifications and Console UI notifications.
var eventTypes = []eventType{
	{
		name:        "access_control_changed",
		description: "Who may see an asset, or when, has changed.",
		methods:     []string{"update"},
		console:     []string{"updating the access control of an asset"},
		examples:    []example{{"period", "An asset is public for a season"}},
	},
	{
		name:        "bulk_refresh_auto_fetch",
		description: "The platform has refreshed many assets that it had fetched from elsewhere.",
		examples:    []example{{"completed", "A refresh is over"}},
	},
	{
		name:        "create_folder",
		description: "An asset folder has been created.",
		methods:     []string{"create_folder"},
		console:     []string{"creating an asset folder"},
		examples:    []example{{"nested", "A folder is created"}},
	},
	{
		name:        "delete",
		description: "Assets have been deleted.",
		methods:     []string{"destroy", "delete_resources", "delete_folder"},
		console:     []string{"deleting an asset", "deleting an asset folder that holds assets, once for each"},
		examples:    []example{{"several", "Two assets are deleted"}},
	},
	{
		name:        "delete_by_token",
		description: "A client has deleted the asset that it had just uploaded, by the token that it was given.",
		methods:     []string{"delete_by_token"},
		examples:    []example{{"draft", "A visitor withdraws an upload"}},
	},
	{
		name:           "delete_folder",
		description:    "An asset folder has been deleted.",
		methods:        []string{"delete_folder"},
		console:        []string{"deleting an asset folder"},
		dynamicFolders: true,
		examples:       []example{{"nested", "A folder is deleted"}},
	},
	{
		name:        "eager",
		description: "Eager transformations have been made in the background, or have failed.",
		methods:     uploadOrExplicit,
		examples: []example{
			{"done", "Eager transformations are done"},
			{"failed", "One eager transformation has failed"},
		},
	},
	{
		name:        "error",
		description: "What a call had asked to be done in the background has failed.",
		methods:     notificationURLMethods,
		urlMethods:  notificationURLMethods,
		examples:    []example{{"explode", "A file cannot be exploded"}},
	},
	{
		name:        "explode",
		description: "The pages of a file have been made into images.",
		methods:     []string{"explode"},
		urlMethods:  []string{"explode"},
		examples:    []example{{"leaflet", "A leaflet of two pages is exploded"}},
	},
	{
		name:        "generate_archive",
		description: "An archive of assets has been made.",
		methods:     []string{"generate_archive"},
		urlMethods:  []string{"generate_archive"},
		examples:    []example{{"zip", "A press kit is packed"}},
	},
	{
		name:        "info",
		description: "An add-on has finished with an asset.",
		methods:     []string{"upload", "explicit", "update"},
		urlMethods:  uploadOrExplicit,
		examples:    []example{{"background-removal", "A background is removed"}},
	},
	{
		name:        "invalidate_custom_cdn",
		description: "Copies of assets on a customer's own CDN have been invalidated, as a call with invalidate had asked.",
		methods:     []string{"upload", "explicit", "rename", "destroy", "delete_resources"},
		examples:    []example{{"url", "One URL is invalidated"}},
	},
	{
		name:        "moderation",
		description: "A moderator, human or not, has decided about an asset.",
		methods:     []string{"upload", "explicit", "update"},
		console:     []string{"approving or rejecting an asset"},
		urlMethods:  uploadOrExplicit,
		examples:    []example{{"rejected", "An asset is rejected"}},
	},
	{
		name:        "moderation_summary",
		description: "All moderators of an asset have decided.",
		methods:     []string{"upload", "explicit", "update"},
		console:     []string{"approving or rejecting an asset"},
		urlMethods:  uploadOrExplicit,
		examples:    []example{{"rejected", "The first of two moderators has rejected an asset"}},
	},
	{
		name:           "move",
		description:    "Assets have been moved to another asset folder.",
		methods:        changes,
		console:        []string{"moving an asset between folders"},
		dynamicFolders: true,
		examples:       []example{{"asset", "An asset is moved"}},
	},
	{
		name:           "move_or_rename_asset_folder",
		description:    "An asset folder has been moved or renamed.",
		methods:        []string{"rename_folder"},
		console:        []string{"moving an asset folder", "renaming an asset folder"},
		dynamicFolders: true,
		examples:       []example{{"move", "A folder is moved"}},
	},
	{
		name:        "multi",
		description: "One file has been made of several images: an animation, a PDF or a collage.",
		methods:     []string{"multi", "create_collage"},
		urlMethods:  []string{"multi", "create_collage"},
		examples:    []example{{"animation", "An animation is made"}},
	},
	{
		name:        "proof_status_changed",
		description: "A proof of Creative Approval has got another status.",
		console:     []string{"deciding about a proof"},
		examples:    []example{{"approved", "A proof is approved"}},
	},
	{
		name:        "publish",
		description: "Private or authenticated assets have been made public.",
		methods:     []string{"publish_resources"},
		examples:    []example{{"asset", "An asset is published"}},
	},
	{
		name:        "related_assets",
		description: "Assets have been related to another, or are so no longer.",
		methods:     []string{"add_related_assets", "delete_related_assets"},
		console:     []string{"relating assets to an asset, or ending that"},
		examples:    []example{{"add", "Three assets are related to one"}},
	},
	{
		name:        "rename",
		description: "An asset has got another public ID.",
		methods:     []string{"rename"},
		console:     []string{"renaming the public ID of an asset", "with fixed folders, moving an asset to another folder"},
		examples: []example{
			{"public-id", "A public ID is changed"},
			{"fixed-folders", "With fixed folders, an asset is moved"},
		},
	},
	{
		name:        "report",
		description: "A report has been made.",
		console:     []string{"generating a report"},
		examples:    []example{{"csv", "A report is ready"}},
	},
	{
		name:        "resource_context_changed",
		description: "The contextual metadata of assets has changed.",
		methods:     []string{"context", "explicit", "update"},
		console:     []string{"adding, removing or updating contextual metadata"},
		examples:    []example{{"mixed", "One value is added, one removed, one changed"}},
	},
	{
		name:           "resource_display_name_changed",
		description:    "The display name of assets has changed.",
		methods:        changes,
		console:        []string{"updating the display name of an asset"},
		dynamicFolders: true,
		examples:       []example{{"asset", "A display name is changed"}},
	},
	{
		name:        "resource_metadata_changed",
		description: "The structured metadata of assets has changed.",
		methods:     []string{"explicit", "metadata", "update"},
		console:     []string{"adding, removing or updating structured metadata"},
		examples: []example{
			{"first", "An asset gets its first metadata"},
			{"previous", "Metadata is changed"},
		},
	},
	{
		name:        "resource_tags_changed",
		description: "Tags have been added to assets, or removed.",
		methods:     []string{"explicit", "tags", "update"},
		console:     []string{"adding or removing a tag"},
		examples:    []example{{"several", "Tags of two assets are changed"}},
	},
	{
		name:        "restore_asset_version",
		description: "A previous version of an asset has been restored.",
		methods:     []string{"restore"},
		console:     []string{"restoring a previous version of an asset"},
		examples:    []example{{"asset", "A previous version is restored"}},
	},
	{
		name:        "sprite",
		description: "A sprite has been made of several images.",
		methods:     []string{"sprite"},
		urlMethods:  []string{"sprite"},
		examples:    []example{{"icons", "A sprite of icons is made"}},
	},
	{
		name:        "upload",
		description: "An asset has been uploaded, or processed again.",
		methods:     []string{"upload", "explicit", "create_collage"},
		console:     []string{"uploading a new asset", "inserting an asset from the Media Library widget"},
		urlMethods:  []string{"upload", "explicit", "create_collage"},
		examples: []example{
			{"simple", "A simple upload"},
			{"complex", "An upload with add-ons, metadata and eager transformations"},
			{"eager-async", "An upload whose eager transformations are still being made"},
			{"fixed-folders", "A simple upload with fixed folders"},
			{"collage", "A collage is made"},
			{"media-library-widget", "An image is inserted from the Media Library widget"},
		},
	},
}
