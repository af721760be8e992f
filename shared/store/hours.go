package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A log has a partition for each hour and shard. Whoever reads it backwards would
// have to look into each of them, of which a quiet environment has rows in one of a
// thousand. So there is a mark for each that has any: one item a day, with a set
// of "13a" for the hour 13 and the shard a. It is written before the first row that
// a process writes there, and so once an hour and shard by each process.

// marks remembers what this process has marked.
type marks struct {
	mu   sync.Mutex
	made map[string]bool // by partition
}

// keptMarks bounds what a process remembers.
const keptMarks = 4096

// dayOf and hourOf read the name of a log's partition, LOG#cloud#2026112413#a.
func dayOf(partition string) (day key, mark string) {
	parts := strings.Split(partition, "#")
	at, shard := parts[2], parts[3]
	return key{hoursPartition(parts[1]), at[:8]}, at[8:] + shard
}

// markHours sees to it that the partitions of rows about to be written are found.
// It returns the partitions that could not be marked.
func (t *Table) markHours(ctx context.Context, rows []key, expiresAt time.Time) map[string]error {
	failed := make(map[string]error)
	days := make(map[key][]string) // hours to be marked
	partitions := make(map[key][]string)
	t.marks.mu.Lock()
	for _, row := range rows {
		day, hour := dayOf(row.pk)
		if !t.marks.made[row.pk] && !slices.Contains(days[day], hour) {
			days[day] = append(days[day], hour)
			partitions[day] = append(partitions[day], row.pk)
		}
	}
	t.marks.mu.Unlock()
	for day, hours := range days {
		_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:        &t.name,
			Key:              day.attributes(),
			UpdateExpression: aws.String("ADD hours :hours SET expires_at = :expires_at"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":hours": set(hours...),
				// A day longer: the mark outlives the last row of its day.
				":expires_at": number(seconds(expiresAt.Add(24 * time.Hour))),
			},
		})
		t.marks.mu.Lock()
		for _, partition := range partitions[day] {
			if err != nil {
				failed[partition] = fmt.Errorf("mark hours of %s: %w", day.sk, err)
				continue
			}
			if len(t.marks.made) >= keptMarks {
				clear(t.marks.made)
			}
			t.marks.made[partition] = true
		}
		t.marks.mu.Unlock()
	}
	return failed
}

// hour is an hour of a log, and its partitions that have rows.
type hour struct {
	end        time.Time
	partitions []string
}

// markedHours returns the hours of an environment's log that have rows within a
// time, the latest first.
func (t *Table) markedHours(ctx context.Context, cloudName string, from, to time.Time) ([]hour, error) {
	first, last := from.UTC().Format(hourForm), to.UTC().Format(hourForm)
	input := &dynamodb.QueryInput{
		TableName:              &t.name,
		ConsistentRead:         aws.Bool(true),
		ScanIndexForward:       aws.Bool(false),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :first AND :last"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk":    text(hoursPartition(cloudName)),
			":first": text(first[:8]),
			":last":  text(last[:8]),
		},
	}
	var hours []hour
	for {
		out, err := t.client.Query(ctx, input)
		if err != nil {
			return nil, fmt.Errorf("read hours of %s: %w", cloudName, err)
		}
		for _, attributes := range out.Items {
			f := fields{attributes: attributes}
			day, marked := f.text("sk"), f.set("hours")
			if f.err != nil {
				return nil, fmt.Errorf("read hours of %s: %w", cloudName, f.err)
			}
			slices.SortFunc(marked, func(a, b string) int { return strings.Compare(b, a) })
			latest := ""
			for _, mark := range marked {
				at := day + mark[:2]
				if at < first || at > last {
					continue
				}
				if at != latest {
					began, err := time.Parse(hourForm, at)
					if err != nil {
						return nil, fmt.Errorf("read hours of %s: %w", cloudName, err)
					}
					hours, latest = append(hours, hour{end: began.Add(time.Hour - time.Millisecond)}), at
				}
				h := &hours[len(hours)-1]
				h.partitions = append(h.partitions, fmt.Sprintf("LOG#%s#%s#%s", cloudName, at, mark[2:]))
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return hours, nil
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
