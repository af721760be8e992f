package faults

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// Build builds the functions for this machine, as make build does, into a folder.
func Build(ctx context.Context, folder string) error {
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	for _, function := range []string{intake, delivery} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w",
			"-o", filepath.Join(folder, function, "bootstrap"), "./functions/"+function)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", function, err, said)
		}
	}
	return nil
}
