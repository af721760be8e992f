package payload

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// plainUpTo is the longest body that is stored as it is, in bytes: below it,
	// compressing saves no unit of what storage is billed by.
	plainUpTo = 1 << 10
	// window bounds the memory of coders, which live as long as the process.
	window = 256 << 10
)

// Bodies are short and many, and functions are small: one coder of each kind,
// made when it is first needed. On bodies of some KB the higher levels save less
// than a byte in a hundred, for five times the memory and more.
var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithZeroFrames(true))
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(MaxBody))
	})
)

// Pack makes a body smaller for storage and queues, where it is over 1 KB and
// compressing helps; otherwise the result is body itself. No marker says which: a
// body begins with '{', and a Zstandard frame never does.
func Pack(body []byte) []byte {
	isBody := len(body) > 0 && body[0] == '{'
	if isBody && len(body) <= plainUpTo {
		return body
	}
	enc, err := encoder()
	if err != nil {
		return body
	}
	packed := enc.EncodeAll(body, nil)
	if isBody && len(packed) >= len(body) {
		return body
	}
	return packed
}

// Unpack gives back the body that Pack was given. It returns packed itself where
// that is a plain body, and an error where it is neither that nor a Zstandard
// frame, or where the body is longer than MaxBody; how much longer makes no
// difference to the memory that it takes.
func Unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, errors.New("unpack body: it is empty")
	}
	if packed[0] == '{' {
		if len(packed) > MaxBody {
			return nil, fmt.Errorf("unpack body: %w", tooLong())
		}
		return packed, nil
	}
	dec, err := decoder()
	if err != nil {
		return nil, fmt.Errorf("unpack body: %w", err)
	}
	body, err := dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack body: %w", err)
	}
	return body, nil
}
