import type { SourceConfig } from '../src/contracts/source-config.js'

/** Addresses of a source of files; none for other families. */
export function urlsOf(source: SourceConfig | undefined): string[] {
  return source?.family === 'files' ? source.urls : []
}
