/** Version of this release, as in package.json. */
export const RELEASE = '0.1.0'
/** Oldest Node that this release runs on, `major.minor`, as in package.json. */
export const OLDEST_NODE = '20.19'
