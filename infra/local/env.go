package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mediahooks/mediahooks/infra/local/emulator"
	"github.com/mediahooks/mediahooks/infra/local/stack"
)

// writeEnv writes what a caller of the stack needs, for a shell to source. Only
// the owner may read it: it holds the secrets of the access key and the account.
func writeEnv(path string, s *stack.Stack) error {
	vars := map[string]string{
		"API_URL":        s.APIURL(),
		"CONSOLE_URL":    s.ConsoleURL(),
		"CLOUDINARY_URL": s.CloudinaryURL(),
		// For the calls that make environments and their access keys.
		"CLOUDINARY_ACCOUNT_URL": s.Account().URL(),
		"CLOUD_NAME":             s.Credentials().CloudName,
		"API_KEY":                s.Credentials().APIKey,
		"API_SECRET":             s.Credentials().APISecret,
		"AWS_ENDPOINT_URL":       s.Endpoint(),
		"AWS_ACCESS_KEY_ID":      emulator.AccessKey,
		"AWS_SECRET_ACCESS_KEY":  emulator.SecretKey,
		"AWS_REGION":             emulator.Region,
		"AWS_DEFAULT_REGION":     emulator.Region, // what the AWS CLI reads
		"STACK_NAME":             stack.Name,
	}
	for name, value := range s.Outputs() {
		if name != "ApiUrl" && name != "ConsoleUrl" { // the addresses that they would have on AWS
			vars[upperSnake(name)] = value
		}
	}
	// Written aside and renamed, so that whoever finds it finds all of it.
	aside := path + ".new"
	if err := os.WriteFile(aside, []byte(shellVars(vars)), 0o600); err != nil {
		return err
	}
	return os.Rename(aside, path)
}

// shellVars writes assignments, sorted, in the quotes in which a shell changes
// nothing.
func shellVars(vars map[string]string) string {
	var lines []string
	for name, value := range vars {
		lines = append(lines, fmt.Sprintf("%s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// upperSnake turns the name of an output into that of a variable: FirstQueueUrl
// into FIRST_QUEUE_URL.
func upperSnake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}
