// Does a round of product environments and their access keys by Cloudinary's npm
// SDK, and tells what it got. CLOUDINARY_ACCOUNT_URL and CLOUDINARY_URL are in the
// environment, where the SDK looks for them; the argument is a cloud_name.
const cloudinary = require('cloudinary').v2;

const { account } = cloudinary.provisioning;
const cloudName = process.argv[2];
const code = (fault) => (fault.error ? fault.error.http_code : String(fault));
const refused = (call) => call.then(() => 200, code);
const fields = (object) => Object.keys(object).join();
const prefixed = (list) => list.sub_accounts.map((env) => env.cloud_name);

(async () => {
  const made = await account.create_sub_account(cloudName, cloudName, { team: 'web' }, true);
  const { id, api_access_keys: [first] } = made;
  const again = await refused(account.create_sub_account('another', cloudName));
  const derived = await account.create_sub_account(`${cloudName} & Söhne`);
  const read = await account.sub_account(id);
  const listed = prefixed(await account.sub_accounts(undefined, [], cloudName.toUpperCase()));
  const byIDs = prefixed(await account.sub_accounts(undefined, [id, derived.id]));
  const renamed = await account.update_sub_account(id, 'Renamed', undefined, { team: 'print' });
  const disabled = await account.update_sub_account(derived.id, undefined, undefined, undefined, false);
  const stillEnabled = prefixed(await account.sub_accounts(true, [], cloudName));

  const second = await account.generate_access_key(id, { name: 'b', enabled: false });
  const third = await account.generate_access_key(id, { name: 'a' });
  const taken = await refused(account.generate_access_key(id, { name: 'a' }));
  const page = await account.access_keys(id, { page_size: 2, page: 2, sort_by: 'name', sort_order: 'asc' });
  const order = await account.access_keys(id, { sort_by: 'name' });
  const tooFar = await refused(account.access_keys(id, { page: 101 }));
  const dedicated = await account.update_access_key(id, second.api_key, { name: 'c', enabled: true, dedicated_for: 'webhooks' });
  const moved = await account.update_access_key(id, third.api_key, { dedicated_for: 'webhooks' });
  const keys = await account.access_keys(id, { sort_by: 'name', sort_order: 'asc' });
  const deleted = await account.delete_access_key(id, second.api_key);
  const byName = await account.delete_access_key_by_name(id, { name: 'a' });
  const last = await account.delete_access_key(id, first.key).then(() => 200, (fault) => fault.error);
  const ping = (key, secret) => refused(cloudinary.api.ping({ cloud_name: cloudName, api_key: key, api_secret: secret }));
  const keyServes = await ping(first.key, first.secret);

  const gone = await account.delete_sub_account(id);
  await account.delete_sub_account(derived.id);
  console.log(JSON.stringify({
    made: fields(made),
    madeKey: fields(first),
    attributes: made.custom_attributes,
    again,
    derived: derived.cloud_name,
    read: fields(read),
    readKey: fields(read.api_access_keys[0]),
    listed,
    byIDs,
    renamed: [renamed.name, renamed.cloud_name, renamed.custom_attributes.team, renamed.enabled],
    disabled: disabled.enabled,
    stillEnabled,
    second: [fields(second), second.enabled],
    taken,
    page: [fields(page), page.access_keys.map((key) => key.name), page.total],
    order: order.access_keys.map((key) => key.name),
    tooFar,
    dedicated: [fields(dedicated), dedicated.name, dedicated.enabled, dedicated.dedicated_for],
    moved: moved.dedicated_for,
    keys: keys.access_keys.map((key) => [key.name, key.dedicated_for]),
    deleted: deleted.message,
    byName: byName.message,
    last: [last.http_code, last.message],
    keyServes,
    gone: gone.message,
    afterwards: [await refused(account.sub_account(id)), await ping(first.key, first.secret)],
    nameAgain: await refused(account.create_sub_account(cloudName, cloudName)),
  }));
})().catch((fault) => {
  console.log(JSON.stringify({ failed: fault.error || String(fault) }));
  process.exitCode = 1;
});
