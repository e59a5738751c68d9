import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'tinyglobby'
import { z } from 'zod'
import type { FilesSourceConfig } from '../../contracts/city-file.js'
import { WardbookError } from '../../kernel/errors.js'
import type { PageOffer, Source } from '../source.js'

/** `mirror.json`: URL to file, relative to the mirror folder. */
const MirrorIndex = z.record(z.string(), z.string())

const CSV_NAME = /\.csv(\.gz)?$/i

/**
 * Files of a local folder instead of the network: those that the source's `mirror` patterns name, in ascending order of
 * their path, else those that `mirror.json` gives for its urls.
 */
export function mirrorSource(name: string, config: FilesSourceConfig, folder: string): Source {
  return {
    describe: async () => {
      const files =
        config.mirror.length > 0 ? await matching(config.mirror, folder) : await mirrored(config.urls, folder)
      if (files.length === 0) throw nothingFound(name, config, folder)
      return Promise.all(files.map(({ url, path }, page) => offerOf(folder, url, path, page)))
    },
    read: async (offer) => ({
      offer,
      bytes: createReadStream(join(folder, pathOf(offer, config, await index(folder)))),
    }),
  }
}

interface MirrorFile {
  readonly url: string
  readonly path: string
}

async function matching(patterns: readonly string[], folder: string): Promise<MirrorFile[]> {
  await demandFolder(folder)
  const found = await glob([...patterns], { cwd: folder, onlyFiles: true })
  return found
    .filter((path) => CSV_NAME.test(path))
    .sort()
    .map((path) => ({ url: path, path }))
}

async function mirrored(urls: readonly string[], folder: string): Promise<MirrorFile[]> {
  await demandFolder(folder)
  const known = await index(folder)
  return urls.map((url) => {
    const path = known[url]
    if (path !== undefined) return { url, path }
    throw new WardbookError(
      'mirror-lacks-url',
      'fix-config',
      `${join(folder, 'mirror.json')} names no file for ${url}`,
      {
        folder,
        url,
      },
    )
  })
}

async function index(folder: string): Promise<Record<string, string>> {
  const file = join(folder, 'mirror.json')
  const text = await readFile(file, 'utf8').catch(() => '{}') // a mirror may do with the city file's patterns alone
  try {
    return MirrorIndex.parse(JSON.parse(text))
  } catch (cause) {
    throw new WardbookError(
      'mirror-index-broken',
      'fix-config',
      `${file} is no JSON object of URL to file`,
      { file },
      { cause },
    )
  }
}

function pathOf(offer: PageOffer, config: FilesSourceConfig, known: Record<string, string>): string {
  return config.mirror.length > 0 ? offer.url : (known[offer.url] as string)
}

async function offerOf(folder: string, url: string, path: string, page: number): Promise<PageOffer> {
  const found = await stat(join(folder, path)).catch((cause) => {
    throw new WardbookError(
      'source-not-found',
      'fix-source',
      `the mirror lacks ${join(folder, path)}`,
      { path },
      { cause },
    )
  })
  return {
    page,
    url,
    changeToken: `${found.size}-${found.mtimeMs}`,
    publishedAt: found.mtime.toISOString(),
  }
}

async function demandFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory()) return
  throw new WardbookError('mirror-missing', 'fix-config', `the mirror folder ${folder} does not exist`, {
    folder,
  })
}

function nothingFound(name: string, config: FilesSourceConfig, folder: string): WardbookError {
  const looked = config.mirror.length > 0 ? config.mirror.join(', ') : 'the urls of the city file'
  return new WardbookError(
    'source-empty-list',
    'fix-config',
    `source ${name}: no .csv or .csv.gz file in ${folder} matches ${looked}`,
    { source: name, folder, patterns: config.mirror },
  )
}
