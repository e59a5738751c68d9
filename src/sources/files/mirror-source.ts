import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'tinyglobby'
import type { FilesSourceConfig } from '../../contracts/sources/files.js'
import { WardbookError } from '../../kernel/errors.js'
import { demandFolder } from '../http/mirror.js'
import type { Offer, Source } from '../source.js'
import { nextFile, offerOf } from './file-offer.js'

/** Names of files with tables; a folder may hold notes beside them. */
const TABLE_NAME = /\.(csv|tsv|psv|txt|json|ndjson|jsonl|geojson|parquet|xlsx|zip)(\.gz)?$/i

/**
 * Files of a local folder instead of the network: those that the source's `mirror` patterns name, in ascending order of their path.
 * A mirror that is made of addresses is a fetch: see `http/mirror.ts`.
 */
export function mirrorSource(name: string, config: FilesSourceConfig, folder: string): Source {
  return {
    describe: async () => {
      await demandFolder(folder)
      const found = await glob(config.mirror, { cwd: folder, onlyFiles: true })
      const paths = found.filter((path) => TABLE_NAME.test(path) && path !== 'mirror.json').sort()
      if (paths.length === 0) throw nothingFound(name, config, folder)
      return { offers: await Promise.all(paths.map((path) => offerAt(config, folder, path))), missing: [] }
    },
    nextPage: nextFile,
    fetch: async ({ url }) => {
      const file = await fileAt(folder, url)
      const none = { etag: undefined, requestId: undefined, headers: {} }
      return {
        status: 200,
        ...none,
        lastModified: file.mtime.toUTCString(),
        bytes: createReadStream(join(folder, url)),
      }
    },
    failureOf: () => undefined,
  }
}

async function offerAt(config: FilesSourceConfig, folder: string, path: string): Promise<Offer> {
  const { size, mtime, mtimeMs } = await fileAt(folder, path)
  return offerOf(config, { name: path, changeToken: `${size}-${mtimeMs}`, publishedAt: mtime.toISOString() })
}

async function fileAt(folder: string, path: string) {
  return stat(join(folder, path)).catch((cause) => {
    const message = `the mirror lacks ${join(folder, path)}`
    throw new WardbookError('source-not-found', 'fix-source', message, { path }, { cause })
  })
}

function nothingFound(source: string, { mirror }: FilesSourceConfig, folder: string): WardbookError {
  const message = `source ${source}: no file with a table in ${folder} matches ${mirror.join(', ')}`
  return new WardbookError('source-empty-list', 'fix-config', message, { source, folder, patterns: mirror })
}
