package app

import "suiyue/internal/domain/counter"

type waits struct{}

func (a *App) pasts(hall string) counter.Pasts { return nil }
