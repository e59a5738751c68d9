import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { WardbookError } from '../kernel/errors.js'
import type { Day } from '../kernel/time.js'
import type { CityChoice, PublishedCity } from './published-city.js'

/** What the process of the portals is told after its choice of a city. */
export interface PortalMessage {
  readonly publish: Day
}

/** Portals in a process of their own: what they take of time and memory is not taken from whoever reads them. */
export interface PortalProcess {
  /** The city as published now. */
  readonly published: PublishedCity
  /** Publishes what is known on the evening of a day, and describes the city anew. */
  publish(asOf: Day): Promise<PublishedCity>
  /** Ends the process. */
  close(): Promise<void>
}

/**
 * Starts the portals of a city.
 * @throws WardbookError 'not-built' (fix-config), 'portals-ended' (report-bug) when the process ends by itself
 */
export async function startPortalProcess(choice: CityChoice): Promise<PortalProcess> {
  const child = fork(workerFile(), [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ask = (message: CityChoice | PortalMessage) =>
    new Promise<PublishedCity>((resolve, reject) => {
      const onExit = (code: number | null) => reject(endedAlone(code))
      child.once('exit', onExit)
      child.once('message', (answer) => {
        child.off('exit', onExit)
        resolve(answer as PublishedCity)
      })
      child.send(message)
    })
  let published = await ask(choice)
  return {
    get published() {
      return published
    },
    publish: async (asOf) => {
      published = await ask({ publish: asOf })
      return published
    },
    close: async () => {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/** Workers run built JavaScript: Node 20 runs no TypeScript. */
function workerFile(): string {
  const file = join(import.meta.dirname, '..', '..', 'dist', 'demo', 'portal-worker.js')
  if (existsSync(file)) return file
  throw new WardbookError('not-built', 'fix-config', `${file} is missing: run 'npm run build'`, { file })
}

function endedAlone(code: number | null): WardbookError {
  const message = `the process of the pocket city's portals ended with code ${code}`
  return new WardbookError('portals-ended', 'report-bug', message, { code })
}
