import { DEFAULT_PATIENCE, type HttpEffects, httpClient, type Patience } from '../src/sources/http/client.js'
import type { PortalTools } from '../src/sources/portal-tools.js'

/** The day on which tests read portals. */
export const TEST_NOW = Date.parse('2026-06-15T12:00:00Z')

/** Tools of a portal family whose waits pass at once. */
export interface QuickTools extends PortalTools {
  /** Milliseconds that were waited, one entry a wait. */
  readonly waits: readonly number[]
}

/**
 * @param env     tokens
 * @param fetcher replaces the network, e.g. by recorded answers
 */
export function quickTools(
  env: Readonly<Record<string, string>> = {},
  fetcher: typeof fetch = (...given) => fetch(...given),
  patience: Patience = DEFAULT_PATIENCE,
): QuickTools {
  const waits: number[] = []
  const effects: HttpEffects = {
    fetch: fetcher,
    now: () => TEST_NOW + waits.reduce((sum, ms) => sum + ms, 0),
    sleep: async (ms) => void waits.push(ms),
    random: () => 0,
  }
  return { http: httpClient(effects, patience), env, now: () => TEST_NOW, waits }
}
