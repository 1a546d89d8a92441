package job

import (
	"context"
	_ "embed"
)

// RecipeStats is how the jobs of one recipe went in the last 24 hours.
type RecipeStats struct {
	Recipe    string `db:"recipe"`
	Succeeded int    `db:"succeeded"`
	Failed    int    `db:"failed"`
	Cancelled int    `db:"cancelled"`
	Expired   int    `db:"expired"`
	// Seconds is the median running time of the successes, nil when there is none.
	Seconds *float64 `db:"seconds"`
	// CPUSeconds and PeakMemoryBytes are the sum and the largest of all that ran.
	CPUSeconds      float64 `db:"cpu_seconds"`
	PeakMemoryBytes int64   `db:"peak_memory_bytes"`
}

//go:embed recipestats.sql
var recipeStatsSQL string

// RecipeStats returns what ended in the last 24 hours, by recipe.
func (s *Store) RecipeStats(ctx context.Context) ([]RecipeStats, error) {
	found := []RecipeStats{}
	err := s.db.SelectContext(ctx, &found, recipeStatsSQL)
	return found, explain(ctx, "count ends by recipe", err)
}
