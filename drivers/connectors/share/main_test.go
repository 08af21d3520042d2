package share_test

import (
	"os"
	"testing"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }
