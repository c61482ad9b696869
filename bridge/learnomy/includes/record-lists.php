<?php
/**
 * What is known of other people's plugins: which hooks can change any REST request, who is harmless there, and who
 * guards a site in a way that no hook shows.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Lists that ship with the plugin.
 */
final class Record_Lists {

	/**
	 * Hooks of core's through which a plugin can refuse, change or identify any REST request, or judge a password.
	 */
	const GATES = array(
		'rest_authentication_errors',
		'rest_pre_dispatch',
		'rest_request_before_callbacks',
		'rest_dispatch_request',
		'rest_request_after_callbacks',
		'rest_post_dispatch',
		'rest_pre_serve_request',
		'rest_pre_echo_response',
		'rest_endpoints',
		'rest_url_prefix',
		'rest_jsonp_enabled',
		'determine_current_user',
		'wp_is_application_passwords_available',
		'wp_is_application_passwords_available_for_user',
		'application_password_is_api_request',
		'application_password_did_authenticate',
		'application_password_failed_authentication',
		'wp_authenticate_application_password_errors',
		'user_has_cap',
		'map_meta_cap',
		'allowed_http_origins',
		'authenticate',
		'wp_authenticate_user',
		'check_password',
		'wp_login',
		'wp_login_failed',
		'registration_errors',
		'lostpassword_post',
	);

	/**
	 * Actions of other plugins' that we fire beside our own, which begin with `learnomy_`.
	 */
	const FIRED = array(
		'buddynext_suite_panels_changed',
	);

	/**
	 * Filters of core's by which a plugin changes what the backend otherwise works out by itself.
	 */
	const ASKED = array(
		'pre_get_avatar_data',
		'get_avatar_url',
		'get_avatar_data',
	);

	/**
	 * Plugins whose callbacks on those hooks concern their own routes and capabilities only.
	 */
	const HARMLESS = array(
		'advanced-custom-fields/acf.php',
		'akismet/akismet.php',
		'bbpress/bbpress.php',
		'buddypress/bp-loader.php',
		'contact-form-7/wp-contact-form-7.php',
		'elementor/elementor.php',
		'query-monitor/query-monitor.php',
		'the-events-calendar/the-events-calendar.php',
		'woocommerce/woocommerce.php',
		'wordpress-seo/wp-seo.php',
		'wpforms-lite/wpforms.php',
	);

	/**
	 * Firewalls, security plugins and closed-site plugins that work on `init`, on page requests or by address.
	 */
	const FIREWALLS = array(
		'all-in-one-wp-security-and-firewall',
		'antihacker',
		'better-wp-security',
		'block-bad-queries',
		'bulletproof-security',
		'cerber-security',
		'cleantalk-spam-protect',
		'cmp-coming-soon-maintenance',
		'coming-soon',
		'defender-security',
		'disable-json-api',
		'disable-wp-rest-api',
		'force-login',
		'hide-my-wp',
		'ip2location-country-blocker',
		'iq-block-country',
		'ithemes-security-pro',
		'jetpack-protect',
		'jonradio-private-site',
		'limit-login-attempts-reloaded',
		'loginizer',
		'maintenance',
		'malcare-security',
		'my-private-site',
		'ninjafirewall',
		'patchstack',
		'restricted-site-access',
		'security-malware-firewall',
		'security-ninja',
		'sg-security',
		'shield-security',
		'slim-maintenance-mode',
		'solid-security-pro',
		'sucuri-scanner',
		'titan-security',
		'under-construction-page',
		'wordfence',
		'wordfence-login-security',
		'wp-cerber',
		'wp-force-login',
		'wp-ghost',
		'wp-hide-security-enhancer',
		'wp-maintenance-mode',
		'wp-simple-firewall',
		'wps-hide-login',
		'wps-limit-login',
		'zero-spam',
	);
}
