import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { relative } from 'node:path'

interface KoopRequest {
  readonly query: Record<string, string>
  readonly body?: Record<string, string>
}

type Model = new (...given: never[]) => { getData(request: KoopRequest, done: unknown): Promise<unknown> }

interface Koop {
  register(provider: object, options: object): void
  readonly server: { listen(port: number, host: string, ready: () => void): Server }
}

/** Questions about rows are not capped. */
const QUESTIONS = ['returnCountOnly', 'returnIdsOnly', 'outStatistics']

/**
 * Koop with its provider of GeoJSON files, made strict: an answer has at most `maxRecordCount` rows, whatever is asked, as real servers
 * have it. Without this, koop gives everything.
 * @param dataDir folder with `NAME.geojson`
 * @returns address of the services, up to their names, and the server
 */
export async function startStrictKoop(
  dataDir: string,
  maxRecordCount: number,
): Promise<{ services: string; server: Server }> {
  process.env.SUPPRESS_NO_CONFIG_WARNING = 'true'
  const load = createRequire(import.meta.url)
  const provider = load('@koopjs/provider-file-geojson') as { Model: Model }
  class StrictModel extends provider.Model {
    override getData(request: KoopRequest, done: unknown): Promise<unknown> {
      const asked = { ...request.query, ...request.body }
      if (!QUESTIONS.some((name) => asked[name] !== undefined && asked[name] !== 'false')) {
        const capped = String(Math.min(Number(asked.resultRecordCount ?? maxRecordCount), maxRecordCount))
        request.query.resultRecordCount = capped
        if (request.body !== undefined) request.body.resultRecordCount = capped
      }
      return super.getData(request, done)
    }
  }
  const koop = new (load('@koopjs/koop-core') as new (options: object) => Koop)({ logLevel: 'error' })
  koop.register({ ...provider, Model: StrictModel }, { dataDir: relative(process.cwd(), dataDir) })
  const server = await new Promise<Server>((resolve) => {
    const listening = koop.server.listen(0, '127.0.0.1', () => resolve(listening))
  })
  const { port } = server.address() as AddressInfo
  return { services: `http://127.0.0.1:${port}/file-geojson/rest/services`, server }
}
