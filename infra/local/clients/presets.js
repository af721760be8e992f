// Does a round of upload preset calls by Cloudinary's npm SDK, and tells what it
// got. CLOUDINARY_URL is in the environment, where the SDK looks for it.
const { api } = require('cloudinary').v2;

const name = 'npm preset';
const shown = (preset) => ({ name: preset.name, unsigned: preset.unsigned, settings: preset.settings });

(async () => {
  const created = await api.create_upload_preset({
    name, unsigned: true, notification_url: 'https://shop.example/hooks/npm', use_filename: true, tags: ['a', 'b'],
  });
  const found = await api.upload_preset(name);
  const updated = await api.update_upload_preset(name, { unsigned: false, folder: 'f' });
  const listed = await api.upload_presets({ max_results: 500 });
  const deleted = await api.delete_upload_preset(name);
  const gone = await api.upload_preset(name).then(() => 200, (fault) => fault.error.http_code);
  console.log(JSON.stringify({
    created: created.message,
    name: created.name,
    found: shown(found),
    updated: updated.message,
    listed: listed.presets.map(shown),
    deleted: deleted.message,
    gone,
  }));
})().catch((fault) => {
  console.log(JSON.stringify(fault));
  process.exitCode = 1;
});
