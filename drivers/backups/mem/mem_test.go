package mem_test

import (
	"testing"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/mem"
	"github.com/clinker-storage/clinker/drivers/backups/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) backups.Store { return mem.New() })
}
