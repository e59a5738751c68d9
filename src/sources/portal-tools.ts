import type { HttpClient } from './http/client.js'

/** The effects that a portal family needs. */
export interface PortalTools {
  readonly http: HttpClient
  /** Environment: the only place where a token may be. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since 1970; tells which year is the current one. Default: the system's clock. */
  readonly now?: () => number
}

/** The token that a source's settings name, or undefined when the variable is unset or blank. */
export function tokenOf(tools: PortalTools, variable: string): string | undefined {
  const token = tools.env[variable]?.trim()
  return token === undefined || token === '' ? undefined : token
}
