package account

import "crypto/rand"

// newSecret returns 52 random letters and digits, which is 260 bits.
func newSecret() string { return rand.Text() + rand.Text() }
