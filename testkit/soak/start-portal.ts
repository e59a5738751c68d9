import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Edition } from './requests-table.js'

const PAGES = 30
const MOST_PAGE_ROWS = 50_000

/** The portal's process, as its parent sees it. */
export interface Portal {
  readonly url: string
  publish(edition: Edition): void
  /** Requests since the last call, as `<path>?<query>`. */
  asked(): Promise<readonly string[]>
  close(): void
}

/** @param rows of each edition; they come in 30 pages, or in more where these would be longer than portals give them */
export async function startPortal(rows: number): Promise<Portal> {
  const file = join(import.meta.dirname, 'requests-portal.ts')
  const pageRows = Math.min(MOST_PAGE_ROWS, Math.ceil(rows / PAGES))
  const child = fork(file, [String(rows), String(pageRows)], { execArgv: ['--import', 'tsx'] })
  const [url] = (await once(child, 'message')) as [string]
  return {
    url,
    publish: (edition) => void child.send(edition),
    asked: async () => {
      child.send('asked')
      return ((await once(child, 'message')) as [string[]])[0]
    },
    close: () => child.disconnect(),
  }
}
