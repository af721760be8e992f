package store

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// key is the primary key of an item. Every pk begins with a word that says what
// kind of item it holds, and no name within a pk contains the # that parts it,
// except for a batch_id, which stands last.
type key struct{ pk, sk string }

// The sort keys of an environment's items. All that a function needs of an
// environment lies between ENV and TRIGGERS, so that one query reads it. What is
// not needed with every event, such as an upload preset, sorts after TRIGGERS.
const (
	environmentSort = "ENV"
	accessKeySort   = "KEY#"
	triggersSort    = "TRIGGERS"
	presetSort      = "UPLOAD_PRESET#"
)

// environmentsPartition holds one small item for each environment, under its ID:
// the list of them, by which they are also found.
const environmentsPartition = "ENVS"

// environmentPartition holds an environment, its access keys and its triggers.
func environmentPartition(cloudName string) string { return "ENV#" + cloudName }

// presetKey names an upload preset of an environment.
func presetKey(cloudName, name string) key {
	return key{environmentPartition(cloudName), presetSort + name}
}

// eventKey names an event: each has a partition to itself, so that no
// environment is bound to what one partition can write.
func eventKey(cloudName, eventID string) key {
	return key{"EVT#" + cloudName + "#" + eventID, "EVENT"}
}

// batchKey names a batch: what is known of a batch_id.
func batchKey(cloudName, batchID string) key {
	return key{"BAT#" + cloudName + "#" + batchID, "BATCH"}
}

// shards is how many partitions the deliveries of one environment and hour are
// spread over: one partition takes 1,000 writes a second.
const shards = 16

// hourForm is how an hour is written in a key.
const hourForm = "2006010215"

// hoursPartition holds, for each day, which partitions of an environment's log
// have rows.
func hoursPartition(cloudName string) string { return "HOURS#" + cloudName }

// deliveryKey names a delivery, or a row of the log. Its id is a ULID, whose time is accepted_at:
// the hour comes out of that time and the shard out of the last four random
// bits, so that the id alone leads to the item, and the items of a partition
// sort by time. It reports false for an id that is no ULID, which therefore
// nothing is stored under.
func deliveryKey(k notification.DeliveryKey) (key, bool) {
	id, err := ulid.ParseStrict(k.DeliveryID)
	if err != nil {
		return key{}, false
	}
	hour := ulid.Time(id.Time()).UTC().Format(hourForm)
	shard := id[len(id)-1] % shards
	return key{fmt.Sprintf("LOG#%s#%s#%x", k.CloudName, hour, shard), k.DeliveryID}, true
}

// The sparse index has the deliveries that somebody may have to look after: those
// that are retrying, by the time of their next attempt, and those that are
// exhausted, by their event's acceptance. It takes no write for a delivery whose
// first attempt succeeds.
const (
	openIndex = "open"
	// openPartition and openSort are its keys' attributes.
	openPartition = "open_in"
	openSort      = "open_at"
)

// duePartition holds the retrying deliveries of all environments, of one shard:
// the sweep asks for what is overdue, no matter whose it is.
func duePartition(shard int) string { return fmt.Sprintf("DUE#%x", shard) }

// failedPartition holds the exhausted deliveries of an environment, of one shard.
func failedPartition(cloudName string, shard int) string {
	return fmt.Sprintf("FAILED#%s#%x", cloudName, shard)
}

// shardOf returns the shard of a delivery, which is the last digit of its
// partition's name.
func shardOf(k key) int {
	return strings.IndexByte("0123456789abcdef", k.pk[len(k.pk)-1])
}

// deliveryOf is the inverse of deliveryKey.
func deliveryOf(k key) notification.DeliveryKey {
	_, rest, _ := strings.Cut(k.pk, "#")
	cloudName, _, _ := strings.Cut(rest, "#")
	return notification.DeliveryKey{CloudName: cloudName, DeliveryID: k.sk}
}

// attributes gives the key as DynamoDB takes it.
func (k key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(k.pk), "sk": text(k.sk)}
}
