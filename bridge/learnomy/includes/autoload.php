<?php
/**
 * Where every class of the plugin is. Add a class here, and nowhere else.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

spl_autoload_register(
	static function ( string $name ): void {
		static $files = array(
			// Start.
			'Plugin'             => 'plugin.php',
			'Activation'         => 'activation.php',
			'Activation_Stub'    => 'activation-stub.php',
			'Signing_Keys'       => 'activation-keys.php',
			'Multisite'          => 'multisite.php',

			// The signed channel.
			'Channel'            => 'channel.php',
			'Channel_Reply'      => 'channel-reply.php',
			'Channel_Keys'       => 'channel-keys.php',
			'Channel_Curl'       => 'channel-curl.php',
			'Channel_Stream'     => 'channel-stream.php',
			'Channel_Incoming'   => 'channel-incoming.php',
			'Breaker'            => 'breaker.php',
			'Breaker_Store'      => 'breaker-store.php',
			'Bridge_Options'     => 'pairing-options.php',
			'Pairing'            => 'pairing.php',
			'Site_Addresses'     => 'pairing-addresses.php',
			'Site_Uploads'       => 'pairing-uploads.php',

			// The doors.
			'Early_Door'         => 'early-door.php',
			'Doors'              => 'doors.php',
			'Doors_Exchange'     => 'doors-exchange.php',
			'Doors_Message'      => 'doors-message.php',
			'Doors_Login'        => 'doors-login.php',
			'Routes'             => 'routes.php',
			'Rest_Path'          => 'rest-path.php',
			'Rest_Response'      => 'rest-response.php',
			'Rest_Errors'        => 'rest-errors.php',
			'Envelope'           => 'rest-envelope.php',
			'Multipart'          => 'doors-multipart.php',
			'Multipart_Body'     => 'doors-multipart-body.php',
			'Doors_File'         => 'doors-file.php',
			'Identity'           => 'identity.php',
			'Credential'         => 'identity-credential.php',
			'Filters'            => 'filters.php',

			// What the backend asks of WordPress.
			'Asks'               => 'asks.php',
			'Content_Renderer'   => 'asks-content.php',
			'Effects'            => 'effects.php',
			'Record'             => 'record.php',
			'Record_Files'       => 'record-files.php',
			'Record_Scan'        => 'record-scan.php',
			'Record_Lists'       => 'record-lists.php',

			// Actions.
			'Actions'            => 'actions.php',
			'Outbox'             => 'actions-outbox.php',
			'Outbox_Connection'  => 'actions-connection.php',
			'Firing'             => 'actions-firing.php',
			'Actions_Relay'      => 'actions-relay.php',
			'Sent_Headers'       => 'actions-relay.php',
			'Listener_Guard'     => 'listener-guard.php',
			'Guarded_Listener'   => 'listener-guard.php',

			// What other plugins read.
			'Page_Routes'        => 'pages-routes.php',
			'Models\\Model'          => 'models/class-model.php',
			'Models\\Course'         => 'models/class-course.php',
			'Models\\Enrollment'     => 'models/class-enrollment.php',
			'Models\\Subscription'   => 'models/class-subscription.php',
			'Models\\MembershipPlan' => 'models/class-membershipplan.php',

			// Pages, blocks and shortcodes.
			'Pages'              => 'pages.php',
			'Page_Access'        => 'pages-access.php',
			'Page_Companions'    => 'pages-companions.php',
			'Page_Head'          => 'pages-head.php',
			'Page_Seo'           => 'pages-seo.php',
			'Page_Sitemap'       => 'pages-sitemap.php',
			'Page_Templates'     => 'pages-templates.php',
			'Blocks'             => 'blocks.php',
			'Shortcodes'         => 'shortcodes.php',
			'Rendering'          => 'rendering.php',
			'Rendering_Assets'   => 'rendering-assets.php',
			'Fragment_Cache'     => 'rendering-cache.php',
			'Rendering_Plan'     => 'rendering-plan.php',
			'Rendering_Scan'     => 'rendering-scan.php',
			'Rendering_Slots'    => 'rendering-slots.php',

			// The owner's side.
			'CLI'                => 'cli.php',
			'Seed'               => 'seed.php',
			'Settings_Fields'    => 'settings-screen-fields.php',
			'Settings_Save'      => 'settings-screen-save.php',
			'Settings_Screen'    => 'settings-screen.php',
			'Site_Chain'         => 'site-health-chain.php',
			'Site_Doors'         => 'site-health-doors.php',
			'Site_Health'        => 'site-health.php',
		);
		if ( 0 !== strncmp( $name, 'Learnomy\\', 9 ) ) {
			return;
		}
		$short = substr( $name, 9 );
		if ( isset( $files[ $short ] ) ) {
			require_once __DIR__ . '/' . $files[ $short ];
		}
	}
);
