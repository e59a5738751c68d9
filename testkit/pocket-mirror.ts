import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startYearlyFiles } from './yearly-files.js'

/** A city file and the files that it names, in a folder: what `wardbook run <cityFile> --mirror <mirror>` takes. */
export interface PocketMirror {
  readonly cityFile: string
  readonly mirror: string
}

/** Writes the simulated city as a mirror with `mirror.json`, for trials that must not touch the network. */
export async function writePocketMirror(folder: string): Promise<PocketMirror> {
  const mirror = join(folder, 'mirror')
  await mkdir(mirror, { recursive: true })
  const portal = await startYearlyFiles()
  try {
    const files: Record<string, string> = {}
    for (const url of portal.urls) {
      const name = new URL(url).pathname.slice(1)
      await writeFile(join(mirror, name), Buffer.from(await (await fetch(url)).arrayBuffer()))
      files[url] = name
    }
    await writeFile(join(mirror, 'mirror.json'), JSON.stringify(files))
    const cityFile = join(folder, 'pocket.yaml')
    await writeFile(cityFile, stringify(portal.city))
    return { cityFile, mirror }
  } finally {
    await portal.close()
  }
}
